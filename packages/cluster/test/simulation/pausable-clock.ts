/** A process's clock: runs with the simulation's, but while the process is stopped nothing in it is called back. */
import type { Clock, Timer } from "@skein/core";

export class PausableClock implements Clock {
  readonly #clock: Clock;
  #paused = false;
  #dead = false;
  readonly #overdue: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs on while the process is stopped, as a real monotonic clock does. */
  now(): number {
    return this.#clock.now();
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    let cancelled = false;
    const fire = (): void => {
      if (cancelled || this.#dead) return;
      if (this.#paused) this.#overdue.push(fire);
      else callback();
    };
    const timer = this.#clock.setTimer(fire, delayMs);
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  nextPoll(callback: () => void): void {
    this.setTimer(callback, 0);
  }

  /** As by SIGSTOP. */
  pause(): void {
    this.#paused = true;
  }

  /** As by SIGCONT: everything overdue happens at once. */
  resume(): void {
    this.#paused = false;
    for (const callback of this.#overdue.splice(0)) callback();
  }

  /** As by SIGKILL. */
  kill(): void {
    this.#dead = true;
  }
}
