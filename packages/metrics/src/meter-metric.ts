/**
 * One metric on an OpenTelemetry meter. Counters and gauges are read when the meter collects; only histograms are told
 * of every observation, since the API has no other way.
 */
import type { Attributes, Meter, MetricOptions, Observable } from "@opentelemetry/api";
import type { MetricDefinition } from "./metric-definition.ts";
import type { MetricFamily } from "./metric-families.ts";
import { Tally, type Observing } from "./tally.ts";

/** Prometheus writes the unit into the name, OpenTelemetry beside it; its exporters put the two together again. */
const UNITS: Readonly<Record<string, string>> = { seconds: "s", bytes: "By" };

/** The name under OpenTelemetry's conventions: `singleflight.cluster.lease_lost`, `singleflight.duration`. */
export function meterNameOf({ name }: MetricDefinition): string {
  return name
    .replace(/_(?:total|seconds|bytes)$/, "")
    .replace(/^singleflight_(?:(cluster|cache)_)?/, (_whole, part?: string) =>
      part === undefined ? "singleflight." : `singleflight.${part}.`,
    );
}

export class MeterMetric implements MetricFamily {
  readonly #labelNames: readonly string[];
  readonly #children: { readonly attributes: Attributes; readonly tally: Tally }[] = [];
  readonly #record: ((value: number, attributes: Attributes) => void) | undefined;

  constructor(definition: MetricDefinition, meter: Meter) {
    const { kind, help, buckets } = definition;
    const name = meterNameOf(definition);
    const unit = UNITS[/_(seconds|bytes)$/.exec(definition.name)?.[1] ?? ""];
    const options: MetricOptions = { description: help, ...(unit === undefined ? {} : { unit }) };
    this.#labelNames = definition.labels.map(({ label }) => label);
    if (kind === "histogram") {
      const histogram = meter.createHistogram(name, {
        ...options,
        advice: { explicitBucketBoundaries: [...(buckets ?? [])] },
      });
      this.#record = (value, attributes) => histogram.record(value, attributes);
      return;
    }
    this.#instrument(definition, meter, name, options).addCallback((result) => {
      for (const { attributes, tally } of this.#children) result.observe(tally.value, attributes);
    });
  }

  tally(...values: readonly string[]): Tally {
    const tally = new Tally();
    this.#children.push({ attributes: this.#attributes(values), tally });
    return tally;
  }

  distribution(...values: readonly string[]): Observing {
    const attributes = this.#attributes(values);
    return { observe: (value) => this.#record?.(value, attributes) };
  }

  #instrument(definition: MetricDefinition, meter: Meter, name: string, options: MetricOptions): Observable {
    if (definition.kind === "counter") return meter.createObservableCounter(name, options);
    // What adds up over processes is not a gauge to OpenTelemetry.
    return definition.aggregator === undefined
      ? meter.createObservableUpDownCounter(name, options)
      : meter.createObservableGauge(name, options);
  }

  #attributes(values: readonly string[]): Attributes {
    return Object.fromEntries(this.#labelNames.map((label, index) => [label, values[index] ?? ""]));
  }
}
