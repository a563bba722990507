/** An OpenTelemetry SDK that keeps what it is told, for tests. */
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider, MetricReader, type MetricData } from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace";
import { OpenTelemetryObserver, type OpenTelemetryObserverOptions } from "../src/otel-observer.ts";

class PullReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export class Collected {
  readonly observer: OpenTelemetryObserver;
  readonly tracerProvider: TracerProvider;
  readonly #spans = new InMemorySpanExporter();
  readonly #reader = new PullReader();

  constructor(options: OpenTelemetryObserverOptions = {}) {
    this.tracerProvider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: this.#spans })],
    });
    const meterProvider = new MeterProvider({ readers: [this.#reader] });
    this.observer = new OpenTelemetryObserver({
      meterProvider,
      tracerProvider: this.tracerProvider,
      ...options,
    });
  }

  /** Spans that have ended, oldest first. */
  spans(name?: string): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans().filter((span) => name === undefined || span.name === name);
  }

  async metrics(): Promise<readonly MetricData[]> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  }

  async value(name: string, attributes: Record<string, string> = {}): Promise<unknown> {
    const metric = (await this.metrics()).find(({ descriptor }) => descriptor.name === name);
    return metric?.dataPoints.find((point) =>
      Object.entries(attributes).every(([key, wanted]) => point.attributes[key] === wanted),
    )?.value;
  }
}

/** Makes contexts follow promises, as every real SDK set-up does. Returns what undoes it. */
export function followPromises(): () => void {
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  return () => {
    context.disable();
    manager.disable();
  };
}
