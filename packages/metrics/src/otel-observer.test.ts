import { SpanStatusCode, trace } from "@opentelemetry/api";
import { Singleflight } from "@skein/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Collected, followPromises } from "../test/collected.ts";
import { meterNameOf } from "./meter-metric.ts";
import { metricDefinitions } from "./metric-names.ts";
import { OpenTelemetryObserver } from "./otel-observer.ts";

let undo: () => void;
beforeAll(() => {
  undo = followPromises();
});
afterAll(() => undo());

const prefixed = { keyPrefixOf: (key: string) => /^[a-z]+:/.exec(key)?.[0] };
const CALL = "singleflight call";
const EXECUTION = "singleflight execution";

describe("spans", () => {
  test("a waiter's span is linked to the span of the execution that it got its value from", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer, ...prefixed });
    await Promise.all([flights.do("user:1", async () => 1), flights.do("user:1", async () => 2)]);
    await flights.do("user:2", async () => 3);
    const [first, second] = collected.spans(EXECUTION);
    const calls = collected.spans(CALL);
    const linked = calls.map(({ links }) => links.map((link) => link.context.spanId));
    expect(linked).toEqual([
      [first?.spanContext().spanId],
      [first?.spanContext().spanId],
      [second?.spanContext().spanId],
    ]);
    expect(calls.map(({ attributes }) => attributes["singleflight.coalesced"])).toEqual([false, true, false]);
    expect(calls[0]?.attributes).toMatchObject({
      "singleflight.key_prefix": "user:",
      "singleflight.role": "local",
      "singleflight.shared": true,
      "singleflight.ending": "value",
      "singleflight.flight_id": first?.attributes["singleflight.flight_id"],
    });
  });

  test("each call's span is a child of its own caller's, the execution's of the caller that started it", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer });
    const tracer = collected.tracerProvider.getTracer("service");
    const request = (name: string): Promise<void> =>
      tracer.startActiveSpan(name, async (span) => {
        await flights.do("k", async () => 1);
        span.end();
      });
    await Promise.all([request("one"), request("two")]);
    const [one, two] = ["one", "two"].map((name) => collected.spans(name)[0]?.spanContext());
    const parents = (name: string): unknown[] =>
      collected.spans(name).map((span) => span.parentSpanContext?.spanId);
    expect(parents(CALL)).toEqual([one?.spanId, two?.spanId]);
    expect(parents(EXECUTION)).toEqual([one?.spanId]);
    expect(one?.traceId).not.toBe(two?.traceId);
  });

  test("spans of traced work are children of the execution's", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer });
    const tracer = collected.tracerProvider.getTracer("service");
    const query = async (): Promise<string> =>
      tracer.startActiveSpan("query", async (span) => {
        await Promise.resolve();
        span.end();
        return trace.getActiveSpan() === span ? "inside" : "outside";
      });
    expect(await flights.do("k", collected.observer.traced(query))).toBe("inside");
    expect(collected.spans("query")[0]?.parentSpanContext?.spanId).toBe(
      collected.spans(EXECUTION)[0]?.spanContext().spanId,
    );
  });

  test("errors and timeouts mark their spans, a caller that left does not", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer });
    await flights.do("k", () => Promise.reject(new Error("no"))).catch(() => undefined);
    const { promise, resolve } = Promise.withResolvers<number>();
    const leaving = new AbortController();
    const left = flights.do("l", () => promise, { signal: leaving.signal });
    leaving.abort();
    await left.catch(() => undefined);
    await flights.do("t", () => promise, { timeoutMs: 1 }).catch(() => undefined);
    resolve(1);
    await promise;
    const told = collected
      .spans(CALL)
      .map(({ attributes, status }) => [attributes["singleflight.ending"], status.code]);
    expect(told).toEqual([
      ["error", SpanStatusCode.ERROR],
      ["left", SpanStatusCode.UNSET],
      ["timeout", SpanStatusCode.ERROR],
    ]);
    expect(
      collected
        .spans(EXECUTION)
        .map(({ status, attributes }) => [status.code, attributes["singleflight.aborted"]]),
    ).toEqual([
      [SpanStatusCode.ERROR, false],
      [SpanStatusCode.UNSET, true],
      [SpanStatusCode.UNSET, true],
    ]);
  });

  test("never carry a key, a value or an error's text, also when events carry keys", async () => {
    const collected = new Collected();
    const flights = new Singleflight({
      observer: collected.observer,
      exposeKeys: true,
      maxEntries: 1,
      ...prefixed,
    });
    const canary = "canary-1";
    await Promise.all([
      flights.do(`user:${canary}`, async () => canary),
      flights.do(canary, async () => canary),
    ]);
    await flights.do(canary, () => Promise.reject(new Error(canary))).catch(() => undefined);
    const told = collected.spans().map(({ name, attributes, events, links, status }) => ({
      name,
      attributes,
      events,
      links: links.map((link) => link.attributes),
      status,
    }));
    expect(told.length).toBeGreaterThanOrEqual(6);
    expect(JSON.stringify([told, await collected.metrics()])).not.toContain(canary);
  });

  test("can be left out", async () => {
    const collected = new Collected({ spans: false });
    const flights = new Singleflight({ observer: collected.observer });
    expect(
      await flights.do(
        "k",
        collected.observer.traced(async () => 1),
      ),
    ).toBe(1);
    expect(collected.spans()).toEqual([]);
    expect(await collected.value("singleflight.started")).toBe(1);
  });
});

describe("metrics", () => {
  test("have the names that a Prometheus exporter turns into those of the dashboard", () => {
    // The exporters' rule: dots become underscores, the unit and, for counters, "total" are appended.
    for (const definition of Object.values(metricDefinitions)) {
      const unit = /_(seconds|bytes)$/.exec(definition.name)?.[0] ?? "";
      const total = definition.kind === "counter" ? "_total" : "";
      expect(meterNameOf(definition).replaceAll(".", "_") + unit + total).toBe(definition.name);
    }
  });

  test("count the same as for Prometheus", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer, ...prefixed });
    const { promise, resolve } = Promise.withResolvers<number>();
    const calls = [flights.do("user:1", () => promise), flights.do("user:1", () => promise)];
    expect(await collected.value("singleflight.cluster.inflight", { key_prefix: "user:" })).toBe(1);
    resolve(1);
    await Promise.all(calls);
    const user = { key_prefix: "user:" };
    expect(await collected.value("singleflight.started", user)).toBe(1);
    expect(await collected.value("singleflight.coalesced", user)).toBe(1);
    expect(await collected.value("singleflight.cluster.inflight", user)).toBe(0);
    expect(await collected.value("singleflight.duration", { ...user, coalesced: "true" })).toMatchObject({
      count: 1,
    });
    expect(await collected.value("singleflight.cluster.breaker_state")).toBe(0);
  });

  test("have units, and the buckets of Prometheus", async () => {
    const collected = new Collected();
    const flights = new Singleflight({ observer: collected.observer });
    await flights.do("k", async () => 1);
    const duration = (await collected.metrics()).find(
      ({ descriptor }) => descriptor.name === "singleflight.duration",
    );
    expect(duration?.descriptor.unit).toBe("s");
    expect(duration?.dataPoints[0]?.value).toMatchObject({
      buckets: { boundaries: metricDefinitions.duration.buckets },
    });
  });
});

test("without an SDK nothing happens, and nothing fails", async () => {
  const observer = new OpenTelemetryObserver();
  const flights = new Singleflight({ observer });
  expect(
    await flights.do(
      "k",
      observer.traced(async () => 1),
    ),
  ).toBe(1);
  expect(await flights.do("k", () => 2)).toBe(2);
});
