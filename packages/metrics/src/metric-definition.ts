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
