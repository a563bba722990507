/**
 * Three limits that are often confused. A caller's patience (`timeoutMs`, `signal`) ends that caller's wait. The work's
 * own limit (`withTimeout` inside the work) ends one attempt for everybody. `maxAgeMs` ends a flight that both missed.
 */
import { withTimeout, type Coalescer } from "@skein/core";

export interface Patience {
  /** The request that asks: aborted when its client has gone. */
  readonly request: AbortSignal;
  /** The process: aborted when it shuts down. */
  readonly shutdown: AbortSignal;
  readonly timeoutMs: number;
}

/** Whatever ends first ends this caller's wait; the work ends when nobody is left, or after `attemptMs`. */
export function loadWithin<T>(
  flights: Coalescer,
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  attemptMs: number,
  { request, shutdown, timeoutMs }: Patience,
): Promise<T> {
  return flights.do(key, (signal) => withTimeout(attemptMs, load, { signal }), {
    signal: AbortSignal.any([request, shutdown]),
    timeoutMs,
  });
}
