/** Deadlines as signals. Not promised: that work stops; it is told to, and its result is ignored afterwards. */
import { background } from "./background.ts";
import { systemClock } from "./clock.ts";
import { FlightTimeoutError } from "./errors.ts";
import { A_FUNCTION, A_SIGNAL, A_TIMER_MS, check } from "./rule.ts";

/**
 * Runs `work` with a signal that aborts after `ms` or with `options.signal`, whichever is first, and rejects at that
 * moment even if the work ignores it. The timer is cleared when the work settles.
 *
 * @param ms integer, 1 to 2_147_483_647.
 * @throws FlightTimeoutError after `ms`; `options.signal.reason` when that aborts; InvalidArgumentError for bad input.
 */
export async function withTimeout<T>(
  ms: number,
  work: (signal: AbortSignal) => T | Promise<T>,
  options: { signal?: AbortSignal } = {},
): Promise<T> {
  const outer = options?.signal;
  check("ms", ms, A_TIMER_MS);
  check("work", work, A_FUNCTION);
  if (outer !== undefined) check("signal", outer, A_SIGNAL);
  outer?.throwIfAborted();
  const deadline = new AbortController();
  const signal = outer === undefined ? deadline.signal : AbortSignal.any([outer, deadline.signal]);
  const outcome = Promise.withResolvers<T>();
  const onAbort = (): void => outcome.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = systemClock.setTimer(() => deadline.abort(new FlightTimeoutError(ms)), ms);
  try {
    background(settle(outcome, work, signal));
    return await outcome.promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

/** What comes after the outcome is settled, an error of the abandoned work included, changes nothing and is dropped. */
async function settle<T>(
  outcome: PromiseWithResolvers<T>,
  work: (signal: AbortSignal) => T | Promise<T>,
  signal: AbortSignal,
): Promise<void> {
  try {
    outcome.resolve(await work(signal));
  } catch (error) {
    outcome.reject(error);
  }
}
