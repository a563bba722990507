/**
 * Which entries this process knows to be unexpired, and until when by its own clock: they are read with a plain GET.
 * Bounded: the one learned longest ago is let go first. Not promised: that an entry is still there, or still the same.
 */
import type { Clock } from "@skein/core";

interface Known {
  readonly id: string;
  readonly until: number;
}

export class KnownEntries {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#known.size;
  }

  find(key: string): Known | undefined {
    const known = this.#known.get(key);
    if (known === undefined || known.until > this.#clock.now()) return known;
    this.#known.delete(key);
    return undefined;
  }

  /** `until` on the clock's scale. */
  learn(key: string, id: string, until: number): void {
    this.#known.delete(key);
    if (this.#max === 0) return;
    if (this.#known.size >= this.#max) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(key, { id, until });
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
