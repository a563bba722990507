/** The scripts as the server sees them: arguments by name, replies as they come, and what is left in the database. */
import type { Redis } from "ioredis";
import type { ScriptArgument, ScriptDefinition } from "../../src/redis/define-script.ts";
import { flightKeys, PROTOCOL_VERSION, type FlightName } from "../../src/flight-keys.ts";
import {
  forgetScript,
  joinScript,
  leaveScript,
  renewScript,
  resignScript,
  settleScript,
} from "../../src/redis/flight-scripts.ts";

export const keys = flightKeys({ namespace: "raw", maxKeyBytes: 1_024, hashKeys: false });

export const LEASE_MS = 60_000;
export const FLIGHT_TTL_MS = 240_000;
export const ABANDON_MS = 300_000;
export const RETAIN_MS = 40_000;
export const REGISTRATION_MS = 30_000;

/** Status, server time in us, and what the status brings. */
export type RawReply = readonly [status: string, timeUs: number, ...fields: (string | number)[]];

/** Arguments by name; what a test does not care about has a default. */
type Arguments = Readonly<Record<string, ScriptArgument>>;

export class RawScripts {
  readonly redis: Redis;
  readonly flight: FlightName;

  constructor(redis: Redis, key: string) {
    this.redis = redis;
    this.flight = keys.flight(key);
  }

  join(process: string, nonce: string, more: Arguments = {}): Promise<RawReply> {
    return this.run(joinScript, {
      process,
      nonce,
      deadlineUs: 0,
      leaseMs: LEASE_MS,
      flightTtlMs: FLIGHT_TTL_MS,
      maxTakeovers: 2,
      abandonMs: ABANDON_MS,
      freshMs: 0,
      firstGrant: 0,
      registrationMs: REGISTRATION_MS,
      transport: "p",
      takesOver: 1,
      deposeToken: "",
      deposeBeat: "",
      deposeInbox: "",
      entrySeen: "",
      entryStaleMs: 0,
      ...more,
    });
  }

  renew(token: string, more: Arguments = {}): Promise<RawReply> {
    return this.run(renewScript, { token, leaseMs: LEASE_MS, flightTtlMs: FLIGHT_TTL_MS, ...more });
  }

  settle(process: string, nonce: string, token: string, more: Arguments = {}): Promise<RawReply> {
    return this.run(settleScript, {
      process,
      nonce,
      token,
      outcome: "outcome",
      newcomers: "fresh",
      retainMs: RETAIN_MS,
      inlineMaxBytes: 16_384,
      fanoutMaxBytes: 2_097_152,
      maxWoken: 1_000,
      entryHead: "",
      entryTtlMs: 0,
      refreshBackoffMs: 0,
      ...this.#messages(),
      ...more,
    });
  }

  resign(process: string, nonce: string, token: string, more: Arguments = {}): Promise<RawReply> {
    return this.run(resignScript, {
      process,
      nonce,
      token,
      countsAsTakeover: 0,
      ifUnwanted: 0,
      ...this.#messages(),
      ...more,
    });
  }

  leave(process: string, nonce: string): Promise<RawReply> {
    return this.run(leaveScript, { process, nonce, ...this.#messages() });
  }

  forget(): Promise<RawReply> {
    return this.run(forgetScript, this.#messages());
  }

  /** Leads, and returns the token. */
  async lead(process: string, nonce: string, more: Arguments = {}): Promise<string> {
    const [status, , token] = await this.join(process, nonce, more);
    if (status !== "LEAD") throw new Error(`expected LEAD, got ${status}`);
    return String(token);
  }

  /** The lease ends by itself, as if its time had come. */
  async lapse(): Promise<void> {
    await this.redis.del(this.flight.leaseKey);
  }

  hash(): Promise<Record<string, string>> {
    return this.redis.hgetall(this.flight.flightKey);
  }

  lease(): Promise<string | null> {
    return this.redis.get(this.flight.leaseKey);
  }

  leaseTtlMs(): Promise<number> {
    return this.redis.pttl(this.flight.leaseKey);
  }

  flightTtlMs(): Promise<number> {
    return this.redis.pttl(this.flight.flightKey);
  }

  async run(script: ScriptDefinition<string, string>, args: Arguments): Promise<RawReply> {
    const call = script.call(this.flight, args);
    const reply: unknown = await this.redis.call(
      "EVAL",
      script.text,
      call.keys.length,
      ...call.keys,
      ...call.args,
    );
    const [status, timeUs, ...fields] = reply as (string | number)[];
    // Nothing was left to the caller, as always where nobody has a list.
    if (script !== joinScript && fields.at(-1) === "") fields.pop();
    return [String(status), Number(timeUs), ...fields];
  }

  #messages(): Arguments {
    return { inboxPrefix: keys.inboxPrefix, header: PROTOCOL_VERSION, flightId: this.flight.id };
  }
}
