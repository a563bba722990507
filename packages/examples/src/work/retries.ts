/**
 * Where retries belong: inside the work, so that one execution retries for all of its callers. Around the coalesced
 * call, every caller would retry on its own: a failure of the backend is then answered with a stampede, the very thing
 * that coalescing was to prevent. The library counts and waits; the flight's signal ends it.
 */
import type { Coalescer } from "@skein/core";
import pRetry from "p-retry";

export interface RetryPlan {
  /** Attempts after the first. */
  readonly retries: number;
  /** Before the second attempt; doubled for each further one. */
  readonly firstPauseMs: number;
}

/** One flight, which tries up to `1 + retries` times. */
export function loadWithRetries<T>(
  flights: Coalescer,
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { retries, firstPauseMs }: RetryPlan,
): Promise<T> {
  return flights.do(key, (signal) =>
    pRetry(() => load(signal), { retries, minTimeout: firstPauseMs, signal }),
  );
}

/** What goes wrong outside: every caller starts flights of its own when the first one has failed. Do not do this. */
export function retryOutside<T>(
  flights: Coalescer,
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { retries, firstPauseMs }: RetryPlan,
): Promise<T> {
  return pRetry(() => flights.do(key, load), { retries, minTimeout: firstPauseMs, randomize: true });
}
