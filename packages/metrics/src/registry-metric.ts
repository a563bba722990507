/**
 * One metric with its children, in the shape in which a prom-client registry asks for it: `name`, `get()` and `reset()`.
 * It does not extend prom-client's own classes: those hash and check their labels at every observation, and importing
 * them would make prom-client more than an optional peer.
 */
import type { MetricDefinition } from "./metric-definition.ts";
import type { MetricFamily } from "./metric-families.ts";
import { Distribution, Tally } from "./tally.ts";

/** One line of the exposition. */
interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

interface Collected {
  readonly name: string;
  readonly help: string;
  readonly type: MetricDefinition["kind"];
  readonly aggregator: string;
  readonly values: Sample[];
}

interface Child {
  readonly labels: Readonly<Record<string, string>>;
  readonly child: Tally | Distribution;
}

export class RegistryMetric implements MetricFamily {
  /** Not read-only: a registry of the OpenMetrics format takes the suffix off. */
  name: string;
  readonly help: string;
  readonly type: MetricDefinition["kind"];
  readonly aggregator: string;
  readonly labelNames: readonly string[];
  readonly #buckets: readonly number[];
  readonly #children: Child[] = [];

  constructor(definition: MetricDefinition) {
    this.name = definition.name;
    this.help = definition.help;
    this.type = definition.kind;
    this.aggregator = definition.aggregator ?? "sum";
    this.labelNames = definition.labels.map(({ label }) => label);
    this.#buckets = definition.buckets ?? [];
  }

  tally(...values: readonly string[]): Tally {
    return this.#add(new Tally(), values);
  }

  distribution(...values: readonly string[]): Distribution {
    return this.#add(new Distribution(this.#buckets), values);
  }

  async get(): Promise<Collected> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#children.flatMap((child) => this.#samples(child)) };
  }

  reset(): void {
    for (const { child } of this.#children) child.reset();
  }

  #add<C extends Tally | Distribution>(child: C, values: readonly string[]): C {
    const labels = Object.fromEntries(this.labelNames.map((label, index) => [label, values[index] ?? ""]));
    this.#children.push({ labels, child });
    return child;
  }

  #samples({ labels, child }: Child): Sample[] {
    if (child instanceof Tally) return [{ value: child.value, labels: { ...labels } }];
    const { bounds, counts, sum, count } = child;
    let below = 0;
    const buckets = bounds.map((bound, index) => {
      below += counts[index] ?? 0;
      return { value: below, labels: { ...labels, le: bound }, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { value: count, labels: { ...labels, le: "+Inf" }, metricName: `${this.name}_bucket` },
      { value: sum, labels: { ...labels }, metricName: `${this.name}_sum` },
      { value: count, labels: { ...labels }, metricName: `${this.name}_count` },
    ];
  }
}
