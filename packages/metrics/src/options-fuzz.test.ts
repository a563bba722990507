/** Whatever the observers are constructed with, they take what is documented, and refuse the rest, typed. */
import { metrics, trace } from "@opentelemetry/api";
import { fuzzOptions, optionRules, type OptionRule } from "@skein/testkit";
import * as fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { InvalidOptionError, PrometheusObserver, type PrometheusObserverOptions } from "./index.ts";
import { OpenTelemetryObserver, type OpenTelemetryObserverOptions } from "./otel-observer.ts";

const ledgerRules = {
  prefixes: {
    valid: fc.array(fc.string(), { maxLength: 3 }),
    holds: (value) =>
      Array.isArray(value) && Array.from(value as unknown[]).every((one) => typeof one === "string"),
  },
  maxPrefixes: optionRules.integer(1, 10_000),
} satisfies Record<string, OptionRule>;

const object = (method: string, valid: unknown): OptionRule => ({
  ...optionRules.object(method),
  valid: fc.constant(valid),
});

/** A registry of its own each time: names can be claimed once. */
const unclaimed = { registerMetric: () => undefined };

test("any options of a Prometheus observer are taken or refused as documented", async () => {
  await fuzzOptions({
    construct: (options) => new PrometheusObserver(options as PrometheusObserverOptions),
    rules: { ...ledgerRules, registry: object("registerMetric", unclaimed) },
    base: { registry: unclaimed },
  });
  expect(() => new PrometheusObserver({ registry: new Registry(), maxPrefixes: 0 })).toThrow(
    InvalidOptionError,
  );
});

test("any options of an OpenTelemetry observer are taken or refused as documented", async () => {
  await fuzzOptions({
    construct: (options) => new OpenTelemetryObserver(options as OpenTelemetryObserverOptions),
    rules: {
      ...ledgerRules,
      meterProvider: object("getMeter", metrics.getMeterProvider()),
      tracerProvider: object("getTracer", trace.getTracerProvider()),
      spans: optionRules.flag,
    },
  });
});

test("what is refused is not shown where it may be a secret", () => {
  for (const options of ["canary", { secret: "canary" }, { registry: "canary" }] as unknown[]) {
    const construct = (): unknown => new PrometheusObserver(options as PrometheusObserverOptions);
    expect(construct).toThrow(InvalidOptionError);
    expect(construct).not.toThrow(/canary/);
  }
});
