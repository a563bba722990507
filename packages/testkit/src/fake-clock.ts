/**
 * A clock that moves only when told to, for simulations that can be repeated. Fits core's `Clock`. Between two timers all
 * promise jobs run to their end, so the order of events is decided by the timers alone. Real I/O is not waited for.
 */

/** The structural interface; core declares the same one. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  setTimer(callback: () => void, delayMs: number, options?: { unref?: boolean }): { cancel(): void };
  /** Calls back after one more poll phase of the event loop. */
  nextPoll(callback: () => void): void;
}

/** Timers that set each other at the same moment, for ever, are told from many that are due. */
const MOST_AT_ONCE = 100_000;

// Taken now, so that a test which replaces the global timers does not stop this clock.
const realSetImmediate: typeof setImmediate = setImmediate;

export class FakeClock implements Clock {
  #nowMs: number;
  /** Sorted by time, then by insertion; cancelled ones are taken out at once. */
  readonly #queue: ScheduledTimer[] = [];
  #busy = false;
  /** Fired since the time last moved. */
  #firedAtOnce = 0;

  /** Does not start at 0, so that a time is never falsy by accident. */
  constructor(startMs = 1_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** `unref` makes no difference here: nothing is kept alive. Throws a RangeError for a delay that is not a finite number. */
  setTimer(callback: () => void, delayMs: number, _options?: { unref?: boolean }): { cancel(): void } {
    if (!Number.isFinite(delayMs)) throw new RangeError(`delayMs must be finite, not ${delayMs}.`);
    const timer: ScheduledTimer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#queue.splice(this.#firstAfter(timer.dueMs), 0, timer);
    return {
      cancel: () => {
        const index = this.#queue.indexOf(timer);
        if (index >= 0) this.#queue.splice(index, 1);
      },
    };
  }

  /** The next turn at the same time, after everything that is already due. */
  nextPoll(callback: () => void): void {
    this.setTimer(callback, 0);
  }

  /** How many timers and polls are still to come, `unref`ed ones included. */
  get pendingTimers(): number {
    return this.#queue.length;
  }

  /**
   * Moves the time on by `ms` and fires what falls due on the way, in order of time, then of insertion; also what those
   * timers set. Rejects with what a callback throws.
   */
  async advance(ms: number): Promise<void> {
    await this.#exclusively(async () => {
      const endMs = this.#nowMs + ms;
      await microtasks();
      while (this.#nextDueMs() <= endMs) await this.#fireNext();
      this.#nowMs = endMs;
    });
  }

  /** Jumps to the next timer and fires it; false when there was none. */
  async runNext(): Promise<boolean> {
    return this.#exclusively(async () => {
      await microtasks();
      if (this.#queue.length === 0) return false;
      await this.#fireNext();
      return true;
    });
  }

  /**
   * Fires timers until the condition holds. Rejects when it does not within `limitMs` of this clock's time (which has
   * passed then), or when nothing is scheduled any more.
   */
  async runUntil(condition: () => boolean, limitMs: number): Promise<void> {
    await this.#exclusively(async () => {
      const endMs = this.#nowMs + limitMs;
      await microtasks();
      while (!condition()) {
        if (this.#queue.length === 0) {
          throw new Error(`Nothing is scheduled at ${this.#nowMs} ms, and still not: ${String(condition)}`);
        }
        if (this.#nextDueMs() > endMs) {
          this.#nowMs = endMs;
          throw new Error(`Not within ${limitMs} ms of simulated time: ${String(condition)}`);
        }
        await this.#fireNext();
      }
    });
  }

  async #exclusively<T>(run: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new Error("This clock is already being moved; await the earlier call first.");
    this.#busy = true;
    try {
      return await run();
    } finally {
      this.#busy = false;
    }
  }

  async #fireNext(): Promise<void> {
    const timer = this.#queue.shift();
    if (timer === undefined) return;
    this.#firedAtOnce = timer.dueMs === this.#nowMs ? this.#firedAtOnce + 1 : 0;
    if (this.#firedAtOnce > MOST_AT_ONCE) {
      throw new Error(`Timers set timers at ${this.#nowMs} ms without end.`);
    }
    this.#nowMs = timer.dueMs;
    timer.callback();
    await microtasks();
  }

  #nextDueMs(): number {
    return this.#queue[0]?.dueMs ?? Infinity;
  }

  #firstAfter(dueMs: number): number {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#queue[middle] as ScheduledTimer).dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface ScheduledTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A real turn of the event loop: Node runs all promise jobs and ticks before it. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve);
  });
}
