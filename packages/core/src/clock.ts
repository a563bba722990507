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
  /** Calls back once after `delayMs`. `unref` timers do not keep the process alive. */
  setTimer(callback: () => void, delayMs: number, options?: { unref?: boolean }): Timer;
  /** Calls back after one more poll phase of the event loop, so that input already received is handled first. */
  nextPoll(callback: () => void): void;
}

class SystemTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle;
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** The process's own clock: `performance.now()`, `setTimeout`, `setImmediate`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs, options) {
    const handle = setTimeout(callback, delayMs);
    if (options?.unref === true) handle.unref();
    return new SystemTimer(handle);
  },
  nextPoll(callback) {
    // The first immediate may run before the poll phase in which waiting input is read; the second cannot.
    setImmediate(() => setImmediate(callback));
  },
};
