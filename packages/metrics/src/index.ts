/**
 * `@skein/metrics`: what Skein tells its observers, as Prometheus metrics; spans and OpenTelemetry metrics are in
 * `@skein/metrics/opentelemetry`. It exports numbers and names no keys. It serves no endpoint and sends nothing: the
 * registry is the application's.
 */
export { InvalidOptionError } from "./errors.ts";
export { labelValues, OTHER_PREFIX, type ClosedSet } from "./label-values.ts";
export { metricDefinitions, metricNames, type MetricId } from "./metric-names.ts";
export type { LabelDefinition, MetricDefinition } from "./metric-definition.ts";
export { PrometheusObserver, type PrometheusObserverOptions } from "./prometheus-observer.ts";
