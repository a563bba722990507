/**
 * Counts what Skein's observers are told, for Prometheus. Not promised: a key in any label; labels hold declared
 * prefixes and words of closed sets. Observing costs a few additions: text is made when the registry is scraped.
 */
import type { Metric, Registry } from "prom-client";
import { Ledger, type LedgerOptions, type SkeinEvent } from "./ledger.ts";
import { MetricFamilies } from "./metric-families.ts";
import { checkOptions, ledgerChecks, withMethods } from "./options.ts";
import { RegistryMetric } from "./registry-metric.ts";

const isRegistry = withMethods("registerMetric");

export interface PrometheusObserverOptions extends LedgerOptions {
  /** Where the metrics are registered. One observer per registry: a second one would claim the same names. */
  registry: Registry;
}

/** Give it to coalescers and caches as `observer`; several of a process may share it. */
export class PrometheusObserver {
  readonly #ledger: Ledger;

  /** @throws InvalidOptionError naming the option, its value and the rule; Error of the registry when a name is taken. */
  constructor(options: PrometheusObserverOptions) {
    checkOptions(options, { ...ledgerChecks, registry: isRegistry });
    isRegistry("registry", options.registry);
    const families = (): MetricFamilies =>
      new MetricFamilies((definition) => {
        const metric = new RegistryMetric(definition);
        options.registry.registerMetric(metric as unknown as Metric);
        return metric;
      });
    this.#ledger = new Ledger(families, options);
  }

  /** Called by coalescers and caches. Takes the events of core, cluster and cache; others are ignored. */
  onEvent(event: { readonly type: string }): void {
    this.#ledger.record(event as SkeinEvent);
  }
}
