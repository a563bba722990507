/**
 * How long callers wait for a connection that is not up: each until its own deadline, and none once the connection has
 * been away for the limit. Time during which this process was blocked is granted again, since nothing could have
 * connected meanwhile.
 */
import type { Clock, Timer } from "@skein/core";

/** A timer this late means that the process was busy. */
const LATE_TIMER_MS = 20;

interface Waiter {
  readonly resolve: (up: boolean) => void;
  readonly timer: Timer;
}

export class Patience {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #waiters = new Set<Waiter>();
  #timer: Timer | undefined;
  #exhausted = false;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** The connection went away. */
  begin(): void {
    this.#exhausted = false;
    this.#arm(this.#limitMs);
  }

  /** It is up, or closed for good. */
  end(up: boolean): void {
    this.#timer?.cancel();
    this.#exhausted = !up;
    this.#releaseAll(up);
  }

  /** Resolves with what `end` says; with false at the deadline (on the clock's scale) or when exhausted. */
  wait(deadline: number): Promise<boolean> {
    if (this.#exhausted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        resolve,
        timer: this.#clock.setTimer(
          // The connection may be up by what this process has not read yet.
          () => this.#clock.nextPoll(() => this.#release(waiter, false)),
          Math.max(0, deadline - this.#clock.now()),
        ),
      };
      this.#waiters.add(waiter);
    });
  }

  #arm(delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(() => this.#elapsed(this.#clock.now() - dueAt), delayMs, {
      unref: true,
    });
  }

  #elapsed(lateMs: number): void {
    if (lateMs > LATE_TIMER_MS) {
      this.#arm(Math.min(lateMs, this.#limitMs));
      return;
    }
    this.#exhausted = true;
    this.#releaseAll(false);
  }

  #release(waiter: Waiter, up: boolean): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.timer.cancel();
    waiter.resolve(up);
  }

  #releaseAll(up: boolean): void {
    for (const waiter of this.#waiters) this.#release(waiter, up);
  }
}
