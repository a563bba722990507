/** What is said of several measurements of one thing: the middle, and how far they lie apart. Never the best one. */

export interface Spread {
  readonly median: number;
  /** Quartiles: half of the measurements lie between them. */
  readonly low: number;
  readonly high: number;
}

/** @throws when there is nothing to say. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: percentile(values, 0.5), low: percentile(values, 0.25), high: percentile(values, 0.75) };
}

/** The smallest value that `share` of them do not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("A percentile of no values.");
  return value;
}

/** Each measurement beside the one that was made in the same round: the machine was the same for both. */
export function ratios(values: readonly number[], references: readonly number[]): number[] {
  if (values.length !== references.length) throw new RangeError("Not measured in the same rounds.");
  return values.map((value, round) => value / (references[round] ?? Number.NaN));
}
