/** What a `ClusterSingleflight` shares with the caches that keep their entries with its flights. */
import type { CallOptions, Work } from "@skein/core";
import type { ClusterPilot } from "./cluster-pilot.ts";
import type { FallbackLimit } from "./fallback.ts";
import type { Fleet } from "./fleet.ts";
import type { Policies, Policy } from "./policy.ts";

export interface FlightsInternals {
  readonly fleet: Fleet;
  readonly policies: Policies;
  /** @throws InvalidKeyError, InvalidArgumentError */
  readonly checkKey: (key: string) => void;
  /** A call, flown by a pilot of the caller's choice; by the usual one if it has none. */
  readonly call: (
    key: string,
    work: Work<unknown>,
    options: CallOptions | undefined,
    pilot: () => ClusterPilot | undefined,
  ) => Promise<unknown>;
  readonly fallbackLimit: (policy: Policy) => FallbackLimit;
  /** Whether a source names the Redis that keeps the flights. */
  readonly isOwnRedis: (redis: unknown) => boolean;
  /** One whose flights end when the flights are closed. */
  readonly addPilot: (pilot: ClusterPilot) => void;
}
