/** When the next attempt to renew a stale cache entry is due, after attempts that failed. */
const MAX_DOUBLINGS = 5;

export class RefreshBackoff {
  #failures = 0;
  /** Server time. */
  #untilUs = 0;

  isOn(nowUs: number): boolean {
    return nowUs < this.#untilUs;
  }

  /** How long it lasts, in ms. */
  failed(backoffMs: number, nowUs: number): number {
    const pauseMs = backoffMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    this.#untilUs = nowUs + pauseMs * 1_000;
    return pauseMs;
  }

  clear(): void {
    this.#failures = 0;
    this.#untilUs = 0;
  }
}
