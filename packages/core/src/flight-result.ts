/** What a flight tells: to its work while it runs, to its callers when it is over. */
import type { Story } from "./pilot.ts";

/** Who ran the work of a call: this process (`leader`), another one (`follower`), or this one uncoordinated (`local`). */
export type Role = "leader" | "follower" | "local";

/** Why a call that should have been coordinated ran locally. */
export type FallbackReason =
  | "unavailable"
  | "timeout"
  | "breaker-open"
  | "refused"
  | "unshareable"
  | "wait-timeout"
  | "leader-lost"
  | "fallback-probe";

export interface FlightResult<T> {
  value: T;
  role: Role;
  /** The value went to more than one caller: several in this process, or the role is `follower`. */
  shared: boolean;
  /** The identity of the flight; the same in every process where there is a token. */
  flightId: string;
  /** Leaders lost before this outcome, as `maxTakeovers` counts them. */
  takeovers: number;
  /** From the call to the result. */
  waitedMs: number;
  /**
   * Why the role is `local` although the key's prefix is coordinated; null in a cluster for a key without a declared
   * prefix. Absent where it does not apply: other roles, `shadow`, and core alone.
   */
  fallbackReason?: FallbackReason | null;
}

export interface FlightContext {
  readonly key: string;
  readonly flightId: string;
  readonly takeovers: number;
  /** Grows with elections of this key while the server keeps its data and clock; for a resource that checks it. */
  readonly fencingToken?: string;
  /** Aborted when this process can no longer be sure to lead. The work may go on; its side effects may not be alone. */
  readonly leaseLost?: AbortSignal;
}

export function resultOf(
  value: unknown,
  story: Story,
  shared: boolean,
  waitedMs: number,
): FlightResult<unknown> {
  const { role, flightId, takeovers, fallbackReason } = story;
  const result: FlightResult<unknown> = { value, role, shared, flightId, takeovers, waitedMs };
  if (fallbackReason !== undefined) result.fallbackReason = fallbackReason;
  return result;
}
