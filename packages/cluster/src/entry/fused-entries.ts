/**
 * Cache entries that live with the flights of a `ClusterSingleflight`: the read is part of the join, the write part of
 * the settlement. For the package `@skein/cache`. Not promised: that two processes agree on an entry at every moment; a
 * process that has begun to wait for a load learns of a `set` or `delete` elsewhere when the wake-up arrives.
 */
import type { CallOptions, Work } from "@skein/core";
import { FUSION } from "@skein/core/internal";
import { sealOutcome, signEnvelope } from "../envelope.ts";
import type { FallbackLimit } from "../fallback.ts";
import type { Fleet } from "../fleet.ts";
import type { FlightsInternals } from "../flights-internals.ts";
import type { Policy } from "../policy.ts";
import { entryHead } from "./entry-format.ts";
import { EntryPilot } from "./entry-pilot.ts";
import type { EntryEvent, EntryRules, EntryTerms } from "./entry-rules.ts";
import { KnownEntries } from "./known-entries.ts";

const NONCE_LENGTH = 12;

export class FusedEntries {
  readonly #internals: FlightsInternals;
  readonly #rules: EntryRules;
  readonly #known: KnownEntries;
  readonly #pilots = new Map<Policy, EntryPilot>();

  constructor(internals: FlightsInternals, rules: EntryRules) {
    this.#internals = internals;
    this.#rules = rules;
    this.#known = new KnownEntries(internals.fleet.options.clock, rules.maxKnownEntries);
  }

  /** Entries that this process knows to be unexpired. */
  get knownEntries(): number {
    return this.#known.size;
  }

  /** Whether entries of this key are kept: its prefix is coordinated, and not just shadowed. */
  keeps(key: string): boolean {
    return this.#policy(key) !== undefined;
  }

  get(key: string, work: Work<unknown>, options: CallOptions | undefined): Promise<unknown> {
    const { fleet, call } = this.#internals;
    return call(key, work, options, () => this.#pilot(fleet, key));
  }

  /** False when the entry could not be written; it is gone then, unless Redis is. */
  async set(key: string, value: unknown, terms: EntryTerms): Promise<boolean> {
    const { fleet, checkKey } = this.#internals;
    checkKey(key);
    const policy = this.#policy(key);
    if (policy === undefined) return false;
    const { clock, keys, processId, randomness, coordinator } = fleet.options;
    const nonce = randomness.identifier(NONCE_LENGTH);
    const { codec, maxOutcomeBytes } = policy;
    const maxBytes = Math.min(maxOutcomeBytes, this.#rules.maxEntryBytes);
    const flight = keys.flight(key);
    const id = `0-${processId}-${nonce}`;
    const { ttlMs, graceMs } = terms;
    const signed = fleet.options.signatures !== undefined;
    const sealing = { codec, nonce, takeovers: 0, maxOutcomeBytes: maxBytes, signed };
    const sealed = sealOutcome({ kind: "value", value }, sealing);
    if (sealed.unshareable !== false) {
      const why = sealed.unshareable === "oversize" ? "too-large" : "not-encodable";
      this.#tell(key, { type: "not-written", why });
      // What it should have replaced must not be seen any more.
      await this.delete(key);
      return false;
    }
    const head = entryHead({ id, graceMs, ttlMs, workMs: 0 });
    const entry = { head, ttlMs: ttlMs + graceMs };
    let sentAt = 0;
    const said = await this.#change(key, async () => {
      sentAt = clock.now();
      const signs = fleet.signedFlight(flight, id);
      const outcome = signs === undefined ? sealed.bytes : signEnvelope(sealed.bytes, signs, entry.ttlMs);
      await coordinator.entries?.set({ flight, outcome, entry });
      return true;
    });
    if (said !== true) return false;
    this.#known.learn(key, id, sentAt + ttlMs);
    this.#tell(key, { type: "written", bytes: sealed.size, ttlMs });
    return true;
  }

  /** True if Redis has confirmed that no entry is left. */
  async delete(key: string): Promise<boolean> {
    const { fleet, checkKey } = this.#internals;
    checkKey(key);
    if (this.#policy(key) === undefined) return false;
    const { keys, coordinator } = fleet.options;
    const said = await this.#change(key, async () => {
      await coordinator.entries?.delete(keys.flight(key));
      return true;
    });
    return said === true;
  }

  /**
   * Whoever calls from now on in this process begins anew, and its join waits for the answer to this. It is worth waiting
   * for `redisTimeoutMs`, whatever was said before about this key and has no answer yet.
   */
  async #change(key: string, attempt: () => Promise<true>): Promise<true | undefined> {
    const { fleet } = this.#internals;
    const { table, availabilityOf, keys, clock, redisTimeoutMs } = fleet.options;
    const flight = keys.flight(key);
    const { up } = availabilityOf(flight);
    this.#known.forget(key);
    table.forget(key);
    const said = await fleet.sayBy(flight, clock.now() + redisTimeoutMs, attempt);
    if (said === undefined) this.#tell(key, { type: "not-written", why: "unavailable" });
    // What was learned meanwhile may be about the entry that is gone.
    this.#known.forget(key);
    // Without Redis nobody waited for this: what is under way may be older.
    if (!up) table.forget(key);
    return said;
  }

  #policy(key: string): Policy | undefined {
    const policy = this.#internals.policies.find(key);
    return policy?.shadow === true ? undefined : policy;
  }

  #pilot(fleet: Fleet, key: string): EntryPilot | undefined {
    const policy = this.#policy(key);
    if (policy === undefined) return undefined;
    let pilot = this.#pilots.get(policy);
    if (pilot === undefined) {
      const limit: FallbackLimit = this.#internals.fallbackLimit(policy);
      pilot = new EntryPilot(fleet, policy, limit, this.#rules, this.#known);
      this.#pilots.set(policy, pilot);
      this.#internals.addPilot(pilot);
    }
    return pilot;
  }

  #tell(key: string, event: EntryEvent): void {
    this.#rules.onEvent(key, event);
  }
}

/** What a cache over these flights can have of them. */
export interface Fusion {
  /** Entries with the flights; not where a quorum keeps these. */
  readonly fuse: ((rules: EntryRules) => FusedEntries) | undefined;
  /** Whether a source names the Redis that keeps the flights. */
  readonly isOwnRedis: (redis: unknown) => boolean;
  /** What the entry of a key is called in a Redis of the cache's own: for this namespace alone, hashed as the flights are. */
  readonly nameOf: (key: string) => string;
}

/** Lets a cache find these flights out without depending on this package. */
export function offerFusion(flights: object, internals: FlightsInternals): void {
  const { coordinator, keys } = internals.fleet.options;
  const fusion: Fusion = {
    fuse: coordinator.entries === undefined ? undefined : (rules) => new FusedEntries(internals, rules),
    isOwnRedis: internals.isOwnRedis,
    nameOf: (key) => keys.storedKey(key),
  };
  Object.defineProperty(flights, FUSION, { value: fusion });
}
