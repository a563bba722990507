/**
 * What a process needs to be a member of a fleet: somebody to agree with, a place to be woken at, and word of whether
 * asking makes sense. Over one Redis (also behind Sentinel), a Redis Cluster, or several independent ones.
 */
import type { Clock, Randomness } from "@skein/core";
import type { BreakerOptions } from "./breaker.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Availability } from "./fleet.ts";
import type { FlightKeys, FlightName } from "./flight-keys.ts";
import type { Inbox } from "./inbox/inbox.ts";
import type { ClusterEvent } from "./observer.ts";

/** What every way of being a member shares. */
export interface MembershipContext {
  readonly processId: string;
  readonly keys: FlightKeys;
  readonly wakeup: "pubsub" | "list";
  /** Followers woken by one request; a settle is repeated for the rest. */
  readonly maxWokenPerSettle: number;
  readonly breaker: BreakerOptions;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly redisTimeoutMs: number;
  /** The longest lease of all prefixes; `undefined` when nothing is coordinated. */
  readonly longestLeaseMs: number | undefined;
  readonly emit: (event: ClusterEvent) => void;
}

export interface Membership {
  readonly coordinator: Coordinator;
  readonly inbox: Inbox;
  /** Of whoever keeps this flight. */
  readonly availabilityOf: (flight: FlightName) => Availability;
  /** What may be done there has been looked at; never, if nobody can be reached. */
  readonly probed: Promise<void>;
  close(): Promise<void>;
}

/** A way of being a member that is not built in; `quorum()` makes one. */
export interface MembershipSource {
  /** Starts to connect. @throws InvalidOptionError */
  readonly openMembership: (context: MembershipContext) => Membership;
}

export function isMembershipSource(source: unknown): source is MembershipSource {
  return typeof Reflect.get(Object(source), "openMembership") === "function";
}
