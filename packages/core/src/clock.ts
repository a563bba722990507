/**
 * Time as Skein sees it. Everything that waits takes a `Clock`, so that the whole protocol can run in a seeded
 * simulation. Not promised: wall-clock time. `now()` is monotonic and has no relation to any calendar or server.
 */

/** A timer that can be cancelled; cancelling twice, or after it fired, is harmless. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with fractions, from an arbitrary origin. */
  now(): number;
  /**
   * Calls back once after `delayMs`, never before: whoever waits for a deadline finds it passed by `now()`. `unref` timers
   * do not keep the process alive.
   */
  setTimer(callback: () => void, delayMs: number, options?: { unref?: boolean }): Timer;
  /** Calls back after one more poll phase of the event loop, so that input already received is handled first. */
  nextPoll(callback: () => void): void;
}

/** The longest delay a Node timer keeps; above it, it would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;
/** Node's timers run on a clock of whole milliseconds, so one may fire early by less than this. */
const COARSE_MS = 1;

/** The process's own clock: `performance.now()`, `setTimeout`, `setImmediate`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs, options) {
    const dueAt = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (listener: () => void, ms: number): void => {
      handle = setTimeout(listener, ms);
      if (options?.unref === true) handle.unref();
    };
    const onTime = (): void => (performance.now() >= dueAt ? callback() : arm(callback, COARSE_MS));
    arm(onTime, Math.min(Math.ceil(delayMs), MAX_TIMER_MS));
    return { cancel: () => clearTimeout(handle) };
  },
  nextPoll(callback) {
    // The first immediate may run before the poll phase in which waiting input is read; the second cannot.
    setImmediate(() => setImmediate(callback));
  },
};

const nodesNow: unknown = Reflect.get(performance, "now");

/** Whether a test has put a time of its own in the place of Node's since this was loaded, and may move it at any moment. */
export function isSystemTimeReplaced(): boolean {
  return performance.now !== nodesNow;
}
