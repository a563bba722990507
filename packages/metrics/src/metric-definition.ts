/** What is said of a metric before anything is measured. */
import type { ClosedSet } from "./label-values.ts";

export interface MetricDefinition {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** In the order in which values are given. */
  readonly labels: readonly LabelDefinition[];
  /** Upper bounds; of histograms only. */
  readonly buckets?: readonly number[];
  /** How the workers of one machine become one number, where that is not their sum. */
  readonly aggregator?: "max" | "min";
}

export interface LabelDefinition {
  readonly label: string;
  /** The values it can have; "prefix": the declared prefixes and "other". */
  readonly values: ClosedSet | "prefix";
}

/** Durations, in seconds: from a cached answer to a caller that should have given up. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** From an empty outcome past the defaults of `inlineMaxBytes` (16 KiB) and `maxOutcomeBytes` (1 MiB). */
export const SIZE_BUCKETS: readonly number[] = [
  64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304,
];

export const PREFIX: LabelDefinition = { label: "key_prefix", values: "prefix" };
export const BY_PREFIX: readonly LabelDefinition[] = [PREFIX];

export function byPrefixAnd(label: string, values: ClosedSet): readonly LabelDefinition[] {
  return [PREFIX, { label, values }];
}
