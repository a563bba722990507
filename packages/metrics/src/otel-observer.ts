/**
 * `@skein/metrics/opentelemetry`: what Skein tells its observers, as OpenTelemetry metrics and spans, through
 * `@opentelemetry/api` alone: without an SDK nothing happens. Not promised: a key in any attribute, and that a span in
 * another process is still kept when it is linked to.
 */
import { context, metrics, trace, type MeterProvider, type TracerProvider } from "@opentelemetry/api";
import type { Work } from "@skein/core";
import { FlightSpans } from "./flight-spans.ts";
import { Ledger, type LedgerOptions, type SkeinEvent } from "./ledger.ts";
import { MeterMetric } from "./meter-metric.ts";
import { MetricFamilies } from "./metric-families.ts";
import { checkOptions, flag, ledgerChecks, withMethods } from "./options.ts";

const SCOPE = "@skein/metrics";
const CHECKS = {
  ...ledgerChecks,
  meterProvider: withMethods("getMeter"),
  tracerProvider: withMethods("getTracer"),
  spans: flag,
};

export interface OpenTelemetryObserverOptions extends LedgerOptions {
  /** Default: the global one, as it is when the observer is made. */
  meterProvider?: MeterProvider;
  /** Default: the global one. */
  tracerProvider?: TracerProvider;
  /** Whether calls and executions have spans. Default true; false for processes with more calls than traces. */
  spans?: boolean;
}

/** Give it to coalescers and caches as `observer`; several of a process may share it. */
export class OpenTelemetryObserver {
  readonly #ledger: Ledger;
  readonly #spans: FlightSpans | undefined;

  /** @throws InvalidOptionError naming the option, its value and the rule. */
  constructor(options: OpenTelemetryObserverOptions = {}) {
    checkOptions(options, CHECKS);
    const { meterProvider = metrics.getMeterProvider(), tracerProvider = trace.getTracerProvider() } =
      options;
    const meter = meterProvider.getMeter(SCOPE);
    const families = (): MetricFamilies =>
      new MetricFamilies((definition) => new MeterMetric(definition, meter));
    this.#ledger = new Ledger(families, options);
    this.#spans = options.spans === false ? undefined : new FlightSpans(tracerProvider.getTracer(SCOPE));
  }

  /**
   * The same work, run inside its execution's span: the spans that it makes become children of it. Without this they are
   * children of the span of the caller that started the execution.
   */
  traced<T>(work: Work<T>): Work<T> {
    return (signal, flight) =>
      context.with(this.#spans?.contextOf(flight.flightId) ?? context.active(), () => work(signal, flight));
  }

  /** Called by a `ClusterSingleflight`: what lets spans in other processes be linked to this one's execution. */
  traceparent(flightId: string): string | undefined {
    return this.#spans?.traceparentOf(flightId);
  }

  /** Called by coalescers and caches. Takes the events of core, cluster and cache; others are ignored. */
  onEvent(event: { readonly type: string }): void {
    const told = event as SkeinEvent;
    this.#ledger.record(told);
    if (this.#spans !== undefined) tell(this.#spans, told);
  }
}

function tell(spans: FlightSpans, told: SkeinEvent): void {
  switch (told.type) {
    case "call-started":
      spans.callStarted(told);
      return;
    case "call-ended":
      spans.callEnded(told);
      return;
    case "execution-started":
      spans.executionStarted(told);
      return;
    case "execution-ended":
      spans.executionEnded(told);
      return;
    case "flight-ended":
      spans.flightEnded(told);
      return;
    case "flight-aged":
    case "flight-evicted":
    case "lease-lost":
    case "settle-fenced":
      spans.note(told.flightId, told.type);
      return;
    default:
  }
}
