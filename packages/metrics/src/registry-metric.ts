/**
 * One metric with its children, in the shape in which a prom-client registry asks for it: `name`, `get()` and `reset()`.
 * It does not extend prom-client's own classes: those hash and check their labels at every observation, and importing
 * them would make prom-client more than an optional peer.
 */
import type { MetricDefinition } from "./metric-definition.ts";
import { type Distribution, Tally } from "./tally.ts";

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

interface Child<C> {
  readonly labels: Readonly<Record<string, string>>;
  readonly child: C;
}

export class RegistryMetric<C extends Tally | Distribution = Tally | Distribution> {
  /** Not read-only: a registry of the OpenMetrics format takes the suffix off. */
  name: string;
  readonly help: string;
  readonly type: MetricDefinition["kind"];
  readonly aggregator: string;
  readonly labelNames: readonly string[];
  readonly #create: () => C;
  readonly #children: Child<C>[] = [];

  constructor(definition: MetricDefinition, create: () => C) {
    this.name = definition.name;
    this.help = definition.help;
    this.type = definition.kind;
    this.aggregator = definition.aggregator ?? "sum";
    this.labelNames = definition.labels.map(({ label }) => label);
    this.#create = create;
  }

  /** A new child; from now on it is exported, at zero. To be asked for once per combination of label values. */
  child(...values: readonly string[]): C {
    const labels = Object.fromEntries(this.labelNames.map((label, index) => [label, values[index] ?? ""]));
    const child = this.#create();
    this.#children.push({ labels, child });
    return child;
  }

  async get(): Promise<Collected> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#children.flatMap((child) => this.#samples(child)) };
  }

  reset(): void {
    for (const { child } of this.#children) child.reset();
  }

  #samples({ labels, child }: Child<C>): Sample[] {
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
