/**
 * Numbers that add up between two looks at them. Observing costs an addition: nothing is allocated, hashed or formatted
 * until somebody asks. Not promised: more than a double holds; counters lose single steps beyond 2^53.
 */

/** A counter or a gauge. */
export class Tally {
  value = 0;

  add(amount: number = 1): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }

  reset(): void {
    this.value = 0;
  }
}

/** What a histogram looks like to those who observe. */
export interface Observing {
  observe(value: number): void;
}

/** A histogram: how many observations were at most each bound, their sum and their number. */
export class Distribution implements Observing {
  readonly bounds: readonly number[];
  /** By bound, not cumulative; what exceeds the last bound is in `count` alone. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    // A clock that is not one must not turn every later sum into NaN.
    if (!Number.isFinite(value)) return;
    const { bounds, counts } = this;
    this.sum += value;
    this.count++;
    for (let index = 0; index < bounds.length; index++) {
      if (value > (bounds[index] ?? Infinity)) continue;
      counts[index] = (counts[index] ?? 0) + 1;
      return;
    }
  }

  reset(): void {
    this.counts.fill(0);
    this.sum = 0;
    this.count = 0;
  }
}
