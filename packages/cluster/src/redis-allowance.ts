/**
 * How long this process waits for Redis, so that the start of a call is held up by no more than `redisTimeoutMs`: timers
 * fire late, never early, and a reply that has arrived by then is read in another turn of the event loop. Not promised: the
 * limit itself in a process that is too busy to look at the clock for longer than what is set aside.
 */

/** Set aside for that: a tenth, and no more than this. */
const MOST_SET_ASIDE_MS = 25;

export function redisAllowanceMs(redisTimeoutMs: number): number {
  return Math.ceil(redisTimeoutMs - Math.min(redisTimeoutMs / 10, MOST_SET_ASIDE_MS));
}
