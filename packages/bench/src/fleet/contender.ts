/**
 * What coalesces calls across processes, or is used in its place. Each contender's file says which configuration it got, and
 * why that is its best. Where it has a choice, it polls every `POLL_EVERY_MS`, and locks for as long as Skein's lease.
 */

import type { Call, Load } from "../call.ts";

export interface FleetContender {
  readonly name: string;
  /** For the tables. */
  readonly configuration: string;
  /** Makes this process a member of the fleet; resolves when it is ready. It is left by the end of the process. */
  join(redisUrl: string, load: Load): Promise<Call>;
}

/** What users set; half of it is waited in vain on average. */
export const POLL_EVERY_MS = 50;
/** By so much more or less. */
export const RETRY_JITTER_MS = 10;
/** The default lease of Skein: everybody gets the same chance to notice a dead leader. */
export const LOCK_MS = 5_000;
/** Longer than any measurement. */
export const VALUE_TTL_MS = 60_000;
