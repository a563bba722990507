/**
 * Knows when this process was too busy to read what it was sent, so that its own stalls are not taken for slowness of
 * Redis. It looks only while somebody waits for a reply. Not promised: stalls shorter than a look.
 */
import type { Clock, Timer } from "@skein/core";

const LOOK_EVERY_MS = 20;
/** Less is ordinary jitter. */
const MIN_STALL_MS = 10;
/** Older ones are forgotten first; a reply that spans more was not in time anyway. */
const MAX_STALLS = 32;

interface Stall {
  readonly from: number;
  readonly until: number;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #stalls: Stall[] = [];
  #waiting = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody starts to wait for a reply. */
  begin(): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#look();
  }

  /** And has stopped. */
  end(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#timer?.cancel();
  }

  /** How much of the last `periodMs` this process was stalled for. */
  within(periodMs: number): number {
    const since = this.#clock.now() - periodMs;
    let stalledMs = 0;
    for (const { from, until } of this.#stalls) stalledMs += Math.max(0, until - Math.max(from, since));
    return stalledMs;
  }

  #look(): void {
    const dueAt = this.#clock.now() + LOOK_EVERY_MS;
    this.#timer = this.#clock.setTimer(
      () => {
        const now = this.#clock.now();
        if (now - dueAt >= MIN_STALL_MS) this.#note({ from: dueAt, until: now });
        this.#look();
      },
      LOOK_EVERY_MS,
      { unref: true },
    );
  }

  #note(stall: Stall): void {
    this.#stalls.push(stall);
    if (this.#stalls.length > MAX_STALLS) this.#stalls.shift();
  }
}
