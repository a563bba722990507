/** Every metric of one observer, and the children that the numbers go to. */
import { labelValues, type ClosedSet } from "./label-values.ts";
import type { MetricDefinition } from "./metric-definition.ts";
import { metricDefinitions, type MetricId } from "./metric-names.ts";
import type { Observing, Tally } from "./tally.ts";

/** One metric, wherever it is exported to. */
export interface MetricFamily {
  /** A new child; from now on it is exported, at zero. To be asked for once per combination of label values. */
  tally(...values: readonly string[]): Tally;
  /** The same of a histogram. */
  distribution(...values: readonly string[]): Observing;
}

export class MetricFamilies {
  readonly #families = new Map<string, MetricFamily>();

  constructor(create: (definition: MetricDefinition) => MetricFamily) {
    for (const [id, definition] of Object.entries(metricDefinitions)) {
      this.#families.set(id, create(definition));
    }
  }

  tally(id: MetricId, ...values: readonly string[]): Tally {
    return this.#family(id).tally(...values);
  }

  distribution(id: MetricId, ...values: readonly string[]): Observing {
    return this.#family(id).distribution(...values);
  }

  /** One tally per value of a closed set. */
  tallies(id: MetricId, set: ClosedSet, prefix?: string): ReadonlyMap<string, Tally> {
    const leading = prefix === undefined ? [] : [prefix];
    return new Map(labelValues[set].map((value) => [value, this.tally(id, ...leading, value)]));
  }

  #family(id: MetricId): MetricFamily {
    const family = this.#families.get(id);
    if (family === undefined) throw new Error(`there is no metric ${id}`);
    return family;
  }
}
