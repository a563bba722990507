/**
 * The scripts against their executable specification: random histories of one flight, played over Redis and in memory,
 * get the same replies and the same wake-ups. Time passes in steps of ten seconds for what the servers recorded, and no
 * limit is a multiple of that, so that the little time that the test itself takes decides nothing.
 */
import { RedisServer } from "@skein/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JoinReply, JoinRequest, Transport } from "../../src/coordinator.ts";
import { grantOf } from "../../src/fencing-token.ts";
import type { FlightName } from "../../src/flight-keys.ts";
import { bytes, keys, type ContractFleet, type ContractMember } from "../contract/contract-fleet.ts";
import { startMemoryFleet } from "../contract/memory-contract-fleet.ts";
import { startRedisFleet } from "../contract/redis-contract-fleet.ts";

const STEP_MS = 10_000;
const LEASE_MS = 101_250;
const ABANDON_MS = 302_500;
const RETAIN_MS = 85_000;
const FRESH_MS = 45_000;
const REGISTRATION_MS = 65_000;
/** A history that took longer than this proves nothing. */
const MAX_REAL_MS = 1_000;
const HISTORIES = Number(process.env["SKEIN_MODEL_HISTORIES"] ?? 200);

const PROCESSES = 3;
/** Of each process. */
const TRANSPORTS: readonly Transport[] = ["p", "l", "l"];
const NONCES = ["x", "y"];

/** A token is named by its place in the order of elections; 0 is the latest. */
type Ago = number;
interface Claim {
  readonly by: "token" | "nonce";
  readonly ago: Ago;
  readonly nonce: string;
}
type Command =
  | {
      readonly do: "join";
      readonly process: number;
      readonly nonce: string;
      readonly firstGrant: Ago | null;
      readonly fresh: boolean;
      readonly takesOver: boolean;
      readonly maxTakeovers: number;
      readonly depose: {
        readonly ago: Ago;
        readonly beat: string;
        readonly evidence: "beat" | "inbox";
      } | null;
    }
  | { readonly do: "renew"; readonly process: number; readonly ago: Ago }
  | {
      readonly do: "settle";
      readonly process: number;
      readonly claim: Claim;
      readonly unshareable: boolean;
      readonly failed: boolean;
      readonly inlineMaxBytes: number;
      readonly outcome: string;
    }
  | {
      readonly do: "resign";
      readonly process: number;
      readonly claim: Claim;
      readonly countsAsTakeover: boolean;
      readonly ifUnwanted: boolean;
    }
  | { readonly do: "leave"; readonly process: number; readonly nonce: string }
  | { readonly do: "forget"; readonly process: number }
  | { readonly do: "pass"; readonly steps: number }
  | { readonly do: "disconnect"; readonly process: number };

const process_ = fc.nat({ max: PROCESSES - 1 });
const nonce = fc.constantFrom(...NONCES);
const ago = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constant(1) },
  fc.nat({ max: 4 }),
);
const claim = fc.record<Claim>({ by: fc.constantFrom("token", "token", "nonce"), ago, nonce });
const rarely = fc.integer({ min: 0, max: 3 }).map((chance) => chance === 0);
const depose = fc.record({
  ago,
  beat: fc.constantFrom("0", "0", "1", "2"),
  evidence: fc.constantFrom("beat" as const, "inbox" as const),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      process: process_,
      nonce,
      firstGrant: fc.option(ago),
      fresh: rarely,
      takesOver: rarely.map((chance) => !chance),
      maxTakeovers: fc.constantFrom(2, 2, 2, 0),
      depose: fc.option(depose, { freq: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("renew" as const), process: process_, ago }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      process: process_,
      claim,
      unshareable: rarely,
      failed: rarely,
      inlineMaxBytes: fc.constantFrom(16_384, 3),
      outcome: fc.constantFrom("ab", "abcdef", ""),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("resign" as const),
      process: process_,
      claim,
      countsAsTakeover: rarely,
      ifUnwanted: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), process: process_, nonce }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), process: process_ }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("pass" as const), steps: fc.constantFrom(1, 4, 7, 11, 31) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), process: process_ }) },
);

/** One of the two worlds that must agree. */
class World {
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
        const request = { flight, token: this.#token(step.ago), leaseMs: LEASE_MS, maxTakeovers: 2 };
        return this.#coordinator(step.process).renew([request]);
      }
      case "settle": {
        const { unshareable, failed, inlineMaxBytes } = step;
        const request = { flight, unshareable, failed, inlineMaxBytes, retainMs: RETAIN_MS };
        return this.#coordinator(step.process).settle({
          ...request,
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
      case "pass":
        return this.#fleet.elapse(step.steps * STEP_MS);
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
    await this.#fleet.elapse(1_000_000 * STEP_MS);
    await Promise.all(this.#members.map((member) => member.disconnect()));
  }

  #coordinator(process: number): ContractMember["uncheckedCoordinator"] {
    return this.#members[process]!.uncheckedCoordinator;
  }

  #joinRequest(step: Extract<Command, { do: "join" }>): JoinRequest {
    const request = {
      flight: this.#flight,
      nonce: step.nonce,
      withinMs: 30_000,
      leaseMs: LEASE_MS,
      maxTakeovers: step.maxTakeovers,
      abandonMs: ABANDON_MS,
      freshMs: step.fresh ? FRESH_MS : 0,
      firstGrant: step.firstGrant === null ? undefined : grantOf(this.#token(step.firstGrant)),
      registrationMs: REGISTRATION_MS,
      takesOver: step.takesOver,
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
      if (name === "token" && typeof value === "string") return [name, this.#alias(value)];
      if (name.endsWith("Ms") && typeof value === "number") return [name, Math.floor(value / STEP_MS)];
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value];
    });
    return Object.fromEntries(timeless) as unknown;
  }
}

let server: RedisServer;
let overRedis: ContractFleet;
let histories = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  overRedis = await startRedisFleet(server);
});
afterAll(async () => {
  await overRedis.close();
  await server.stop();
});

test(
  `${HISTORIES} random histories of a flight are the same over Redis and in memory`,
  { timeout: 600_000 },
  async () => {
    let proved = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40, size: "max" }), async (history) => {
        const number = ++histories;
        const inMemory = await startMemoryFleet();
        const specified = await World.create(inMemory, number);
        const actual = await World.create(overRedis, number);
        const startedAt = performance.now();
        const transcript: unknown[] = [];
        const expected: unknown[] = [];
        for (const step of history) {
          // A real clock never stands still between two commands; it makes tokens unique.
          await inMemory.elapse(1);
          expected.push([step.do, await specified.play(step)]);
          transcript.push([step.do, await actual.play(step)]);
        }
        const knownHere = await specified.isKnown();
        const knownThere = await actual.isKnown();
        const tookMs = performance.now() - startedAt;
        const toldHere = await specified.told();
        const toldThere = await actual.told();
        await actual.close();
        await specified.close();
        if (tookMs > MAX_REAL_MS) return;
        proved++;
        expect(transcript).toEqual(expected);
        expect(toldThere).toEqual(toldHere);
        expect(knownThere).toBe(knownHere);
      }),
      { numRuns: HISTORIES },
    );
    expect(proved).toBeGreaterThan(HISTORIES / 2);
  },
);
