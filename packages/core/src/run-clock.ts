/**
 * The age of flights needs a time per call, but no exact one: it is read once for each run of synchronous code, so that
 * calls made in one go share a reading. Not promised: progress within such a run.
 */
import { background } from "./background.ts";
import { isSystemTimeReplaced, systemClock, type Clock } from "./clock.ts";

const SETTLED = Promise.resolve();

export class RunClock {
  readonly #clock: Clock;
  /** Whether time passes by itself: a clock that was injected may be moved within a run. */
  readonly #isSystem: boolean;
  #present: number | undefined;
  readonly #endRun = (): void => {
    this.#present = undefined;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#isSystem = clock === systemClock;
  }

  now(): number {
    if (this.#present !== undefined) return this.#present;
    const now = this.#clock.now();
    if (!this.#isSystem || isSystemTimeReplaced()) return now;
    this.#present = now;
    background(SETTLED.then(this.#endRun));
    return now;
  }
}
