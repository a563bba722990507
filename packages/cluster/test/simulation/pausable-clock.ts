/**
 * A process's clock and its only way to hear of anything: runs with the simulation's, but while the process is stopped
 * nothing in it is called back, neither by its timers nor by what arrives.
 */
import type { Clock, Timer } from "@skein/core";

export class PausableClock implements Clock {
  readonly #clock: Clock;
  #paused = false;
  #resumedAt = -Infinity;
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
    const timer = this.#clock.setTimer(() => {
      this.whenRunning(() => {
        if (!cancelled) callback();
      });
    }, delayMs);
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

  /** Calls back now, when the process goes on, or never. */
  whenRunning(callback: () => void): void {
    if (this.#dead) return;
    if (this.#paused) this.#overdue.push(callback);
    else callback();
  }

  /** When it last went on after it had been stopped. */
  get resumedAt(): number {
    return this.#resumedAt;
  }

  /** As by SIGSTOP. */
  pause(): void {
    this.#paused = true;
  }

  /** As by SIGCONT: everything overdue happens, one thing after the other. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#resumedAt = this.now();
    for (const callback of this.#overdue.splice(0)) {
      this.#clock.setTimer(() => this.whenRunning(callback), 0);
    }
  }

  /** As by SIGKILL. */
  kill(): void {
    this.#dead = true;
  }
}
