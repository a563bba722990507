/**
 * Cross-process request coalescing: for the key prefixes that opt in, one process of the deployment runs the work and
 * the others wait for its outcome. Not promised: mutual exclusion. Duplicates are possible on failover, eviction,
 * pauses longer than the lease, partitions and fallback; who needs exclusion checks the fencing token at the resource.
 * Durations are measured by the monotonic clock of each process and by Redis' own clock, never compared with each other.
 */
import {
  ClosedError,
  type CallOptions,
  type CloseOptions,
  type Coalescer,
  type FlightResult,
  type Work,
  type WrapOptions,
} from "@skein/core";
import {
  DEFAULT_DRAIN_MS,
  evacuateLocally,
  offerKeyPrefix,
  wrapCoalesced,
  type Flight,
  type FlightTable,
  type Pilot,
} from "@skein/core/internal";
import { ClusterPilot } from "./cluster-pilot.ts";
import { coldPilot } from "./cold-pilot.ts";
import type { Fleet } from "./fleet.ts";
import { offerEntrySigning } from "./entry/entry-signing.ts";
import { offerFusion } from "./entry/fused-entries.ts";
import { onTerminate } from "./handle-signals.ts";
import { isMembershipSource } from "./membership.ts";
import type { ClusterOptions } from "./options.ts";
import type { Policies, Policy } from "./policy.ts";
import { isSameRedis } from "./redis/same-redis.ts";
import { connectFleet, type FleetConnection } from "./connect-fleet.ts";

/** What is still under way when the drain time is over gets this long to be said. */
const FAREWELL_MS = 1_000;

export class ClusterSingleflight<V = unknown> implements Coalescer<V> {
  readonly #connection: FleetConnection;
  readonly #fleet: Fleet;
  readonly #table: FlightTable;
  readonly #policies: Policies;
  readonly #pilots = new Map<Policy, ClusterPilot>();
  /** Those of caches that use these flights. */
  readonly #guests = new Set<ClusterPilot>();
  readonly #stopSignals: () => void;
  #closing: Promise<void> | undefined;

  /**
   * Connects eagerly; nothing waits for it but the first calls, each within `redisTimeoutMs`.
   *
   * @throws InvalidOptionError naming the option, its value and the rule.
   */
  constructor(options: ClusterOptions) {
    this.#connection = connectFleet(options);
    this.#fleet = this.#connection.fleet;
    this.#table = this.#fleet.options.table;
    this.#policies = this.#connection.policies;
    offerKeyPrefix(this, this.#table.limits.keyPrefixOf);
    offerFusion(this, {
      fleet: this.#fleet,
      policies: this.#policies,
      checkKey: (key) => this.#connection.checkKey(key),
      call: (key, work, call, pilot) => this.#call(key, work, call, false, pilot),
      fallbackLimit: (policy) => this.#pilotOf(policy).fallbackLimit,
      isOwnRedis: (redis) => !isMembershipSource(options.redis) && isSameRedis(options.redis, redis),
      addPilot: (pilot) => void this.#guests.add(pilot),
    });
    offerEntrySigning(this, this.#fleet);
    this.#stopSignals = onTerminate(options.handleSignals, (close) => this.close(close));
  }

  /** Flights under way in this process, replaced ones that still answer their callers included. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Runs `work` here, or waits for the process that runs it; every caller of a flight gets the same value or the same
   * error. Keys without a declared prefix are coalesced in this process only.
   *
   * Rejects with what the work threw (from another process: RemoteWorkError), `options.signal.reason`, what
   * `Singleflight.do` rejects with, or: FlightAbandonedError, WaitTimeoutError, CoordinationUnavailableError,
   * FallbackLimitError, InvalidKeyError.
   */
  do<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<T> {
    return this.#call(key, work, options, false) as Promise<T>;
  }

  /** `do()`, with the story of the flight around the value. */
  fly<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<FlightResult<T>> {
    return this.#call(key, work, options, true) as Promise<FlightResult<T>>;
  }

  wrap<A extends unknown[], T extends V>(
    work: (...args: [...A, AbortSignal]) => Promise<T>,
    options: WrapOptions<A>,
  ): (...args: A) => Promise<T> {
    return wrapCoalesced<V, A, T>(this, work, options);
  }

  /**
   * Whoever calls from now on gets a new execution: at once in this process, elsewhere when the news arrives. Lifts an
   * abandonment. Resolves with true if a flight or an outcome was dropped, after `redisTimeoutMs` at the latest; without
   * Redis the effect is local.
   *
   * @throws InvalidKeyError for an empty key or one over `maxKeyBytes`.
   */
  async forget(key: string): Promise<boolean> {
    this.#connection.checkKey(key);
    const here = this.#table.forget(key);
    if (this.#policies.find(key) === undefined) return here;
    const { clock, coordinator, keys, redisTimeoutMs } = this.#fleet.options;
    const name = keys.flight(key);
    const deadline = clock.now() + redisTimeoutMs;
    const elsewhere = await this.#fleet.sayBy(name, deadline, () => coordinator.forget(name));
    return here || elsewhere === true;
  }

  /** Resolves when connected, subscribed and probed, and also when Redis is away, after `redisTimeoutMs`. */
  ready(): Promise<void> {
    return this.#connection.ready();
  }

  /**
   * Refuses new calls. For `drainMs` flights that this process leads may finish, and calls that wait for others may be
   * answered; it takes over from nobody any more: callers whose leader is lost are rejected with ClosedError. Then it
   * resigns, aborts its work and rejects who is left.
   *
   * @throws InvalidArgumentError when `drainMs` is out of range; nothing is closed then.
   */
  async close(options?: CloseOptions): Promise<void> {
    const calledAt = this.#fleet.options.clock.now();
    await this.#table.close(options, (flight, reason) => this.#evacuate(flight, reason));
    await (this.#closing ??= this.#disconnect(calledAt + (options?.drainMs ?? DEFAULT_DRAIN_MS)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #call(
    key: string,
    work: Work<unknown>,
    options: CallOptions | undefined,
    wantsStory: boolean,
    choosePilot?: () => ClusterPilot | undefined,
  ): Promise<unknown> {
    try {
      this.#connection.checkKey(key);
    } catch (error) {
      // Without the key, exposed or not: there is none, or it is too long to be told.
      const { keyPrefixOf } = this.#table.limits;
      const keyPrefix = (typeof key === "string" ? keyPrefixOf(key) : undefined) ?? "other";
      this.#fleet.emit({ type: "call-refused", keyPrefix, why: "key" });
      return Promise.reject(error);
    }
    return this.#table.call(key, work, options, wantsStory, choosePilot?.() ?? this.#pilot(key));
  }

  #pilot(key: string): Pilot {
    const policy = typeof key === "string" ? this.#policies.find(key) : undefined;
    return policy === undefined ? coldPilot : this.#pilotOf(policy);
  }

  #pilotOf(policy: Policy): ClusterPilot {
    let pilot = this.#pilots.get(policy);
    if (pilot === undefined) {
      pilot = new ClusterPilot(this.#fleet, policy);
      this.#pilots.set(policy, pilot);
    }
    return pilot;
  }

  #evacuate(flight: Flight, reason: Error): void {
    if (flight.pilot instanceof ClusterPilot) flight.pilot.onClosed(flight, reason);
    else evacuateLocally(flight, reason);
  }

  async #disconnect(drainedBy: number): Promise<void> {
    // Flights that no caller here waits for, but others in the fleet do, may still finish.
    await this.#fleet.quitsLeading(drainedBy);
    this.#stopSignals();
    const reason = new ClosedError();
    for (const pilot of [...this.#pilots.values(), ...this.#guests]) pilot.closeRemaining(reason);
    await this.#fleet.farewell(this.#fleet.options.clock.now() + FAREWELL_MS);
    await this.#connection.close();
  }
}
