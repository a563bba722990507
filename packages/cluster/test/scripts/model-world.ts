/** One of the worlds that must agree: over Redis, over a Redis whose clock is moved, or in memory. */
import type { EntryWrite, JoinReply, JoinRequest, Transport } from "../../src/coordinator.ts";
import { entryHead } from "../../src/entry/entry-format.ts";
import { grantOf } from "../../src/fencing-token.ts";
import type { FlightName } from "../../src/flight-keys.ts";
import {
  bytes,
  entriesOf,
  keys,
  type ContractFleet,
  type ContractMember,
} from "../contract/contract-fleet.ts";
import { PROCESSES, STEP_MS, type Ago, type Claim, type Command } from "./model-commands.ts";

/** Longer than anything is kept. */
const ALL_STEPS = 500;
/** Of a cache entry: how long it is fresh, and how much longer it is kept. */
const ENTRY_TTL_MS = 55_000;
const ENTRY_GRACE_MS = 70_000;
/** Neither it nor what doubling makes of it is near a multiple of the step. */
const BACKOFF_MS = 23_000;
/** Of each process. */
const TRANSPORTS: readonly Transport[] = ["p", "l", "l"];

export class World {
  readonly #fleet: ContractFleet;
  readonly #members: readonly ContractMember[];
  readonly #flight: FlightName;
  /** In the order in which they were first heard of. */
  readonly #tokens: string[] = [];

  private constructor(fleet: ContractFleet, members: readonly ContractMember[], flight: FlightName) {
    this.#fleet = fleet;
    this.#members = members;
    this.#flight = flight;
  }

  static async create(fleet: ContractFleet, history: number): Promise<World> {
    const ids = Array.from({ length: PROCESSES }, (_, index) => `h${history}p${index}`);
    const members = await Promise.all(ids.map((id, index) => fleet.member(id, TRANSPORTS[index])));
    return new World(fleet, members, keys.flight(`history ${history}`));
  }

  /** Carries a command out; what comes back has no time and no identity that differs between worlds. */
  async play(step: Command): Promise<unknown> {
    const flight = this.#flight;
    switch (step.do) {
      case "join":
        return this.#impersonal(await this.#coordinator(step.process).join(this.#joinRequest(step)));
      case "renew": {
        const { leaseMs, maxTakeovers } = step;
        const request = { flight, token: this.#token(step.ago), leaseMs, maxTakeovers };
        return this.#coordinator(step.process).renew([request]);
      }
      case "settle": {
        const { unshareable, failed, inlineMaxBytes, retainMs, entry, backsOff } = step;
        const request = { flight, unshareable, failed, inlineMaxBytes, retainMs };
        const writes = entry === null ? {} : { entry: entryOf(entry) };
        return this.#coordinator(step.process).settle({
          ...request,
          ...writes,
          refreshBackoffMs: backsOff ? BACKOFF_MS : 0,
          claim: this.#claim(step.claim),
          outcome: bytes(step.outcome),
        });
      }
      case "resign": {
        const { countsAsTakeover, ifUnwanted } = step;
        const request = { flight, claim: this.#claim(step.claim), countsAsTakeover, ifUnwanted };
        return this.#coordinator(step.process).resign(request);
      }
      case "leave":
        return this.#coordinator(step.process).leave({ flight, nonce: step.nonce });
      case "forget":
        return this.#coordinator(step.process).forget(flight);
      case "set entry": {
        const request = { flight, outcome: bytes(step.outcome), entry: entryOf(step.id) };
        return entriesOf(this.#coordinator(step.process)).set(request);
      }
      case "delete entry":
        return entriesOf(this.#coordinator(step.process)).delete(flight);
      case "read entry":
        return timelessEntry(await entriesOf(this.#coordinator(step.process)).read(flight, 10_000));
      case "pass":
        return this.#fleet.elapse(step.steps * STEP_MS);
      case "set clock back":
        return this.#fleet.setClockBack(step.steps * STEP_MS);
      case "disconnect":
        return this.#members[step.process]!.disconnect();
    }
  }

  /** What every process was told, in order. */
  async told(): Promise<unknown> {
    await this.#fleet.delivered();
    return this.#members.map(({ wakeUps }) =>
      wakeUps.map(({ kind, flightId, token, outcome }) => {
        return `${kind} ${flightId} ${this.#alias(token)} ${Buffer.from(outcome).toString()}`;
      }),
    );
  }

  async isKnown(): Promise<boolean> {
    return (await this.#fleet.ttlsMs()).length > 0;
  }

  async close(): Promise<void> {
    await this.#fleet.elapse(ALL_STEPS * STEP_MS);
    await Promise.all(this.#members.map((member) => member.disconnect()));
  }

  #coordinator(process: number): ContractMember["uncheckedCoordinator"] {
    return this.#members[process]!.uncheckedCoordinator;
  }

  #joinRequest(step: Extract<Command, { do: "join" }>): JoinRequest {
    const { nonce, withinMs, leaseMs, maxTakeovers, abandonMs, freshMs, registrationMs, takesOver } = step;
    const request = {
      ...(step.entry === null ? {} : { entry: step.entry }),
      flight: this.#flight,
      nonce,
      withinMs,
      leaseMs,
      maxTakeovers,
      abandonMs,
      freshMs,
      firstGrant: step.firstGrant === null ? undefined : grantOf(this.#token(step.firstGrant)),
      registrationMs,
      takesOver,
    };
    if (step.depose === null) return request;
    const { beat, evidence } = step.depose;
    return { ...request, depose: { token: this.#token(step.depose.ago), beat, evidence } };
  }

  #claim({ by, ago: turns, nonce: name }: Claim): { token: string } | { nonce: string } {
    return by === "token" ? { token: this.#token(turns) } : { nonce: name };
  }

  #token(turns: Ago): string {
    return this.#tokens.at(-1 - turns) ?? "1-nobody-x";
  }

  #alias(token: string): string {
    const known = this.#tokens.indexOf(token);
    return `token ${known < 0 ? this.#tokens.push(token) - 1 : known} of ${token.replace(/^\d+/, "")}`;
  }

  #impersonal(reply: JoinReply): unknown {
    const timeless = Object.entries(reply).map(([name, value]: [string, unknown]) => {
      if (name === "entry" && reply.entry !== undefined) {
        const { bytes: read, leftMs, id } = reply.entry;
        const left = leftMs === undefined ? undefined : Math.floor(leftMs / STEP_MS);
        return [name, { read: timelessEntry(read), left, id }];
      }
      if (name === "token" && typeof value === "string") return [name, this.#alias(value)];
      if (name.endsWith("Ms") && typeof value === "number") return [name, Math.floor(value / STEP_MS)];
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value];
    });
    return Object.fromEntries(timeless) as unknown;
  }
}

function entryOf(id: string): EntryWrite {
  const head = entryHead({ id, graceMs: ENTRY_GRACE_MS, ttlMs: ENTRY_TTL_MS, workMs: 1 });
  return { head, ttlMs: ENTRY_TTL_MS + ENTRY_GRACE_MS };
}

/** The bytes of an entry, but for the server time at which it was written. */
function timelessEntry(read: Uint8Array | undefined): string | undefined {
  return (
    read &&
    Buffer.from(read)
      .toString()
      .replace(/ \d{10,} /u, " now ")
  );
}
