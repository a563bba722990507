import {
  Singleflight,
  type CallEnding,
  type FallbackReason,
  type Observer,
  type RefusedWhy,
  type Role,
} from "@skein/core";
import { createCache, type CacheEvent, type CacheNews } from "@skein/cache";
import type {
  ClusterEvent,
  FallbackRefusedWhy,
  RejectedWhy,
  ResignReason,
  TakeoverReason,
} from "@skein/cluster";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { labelValues } from "./label-values.ts";
import { metricDefinitions, metricNames } from "./metric-names.ts";
import { PrometheusObserver, type PrometheusObserverOptions } from "./prometheus-observer.ts";

function observing(options: Omit<PrometheusObserverOptions, "registry"> = {}): {
  registry: Registry;
  observer: Observer<ClusterEvent | CacheEvent>;
  value: (name: string, labels?: Record<string, string | number>) => Promise<number | undefined>;
} {
  const registry = new Registry();
  const observer = new PrometheusObserver({ registry, ...options });
  const value = async (
    name: string,
    labels: Record<string, string | number> = {},
  ): Promise<number | undefined> => {
    const all = (await registry.getMetricsAsJSON()).flatMap((metric) =>
      metric.values.map((sample) => ({ name: metric.name, ...sample })),
    );
    return all.find(
      (sample) =>
        (("metricName" in sample ? sample.metricName : undefined) ?? sample.name) === name &&
        Object.entries(labels).every(([label, wanted]) => Reflect.get(sample.labels, label) === wanted),
    )?.value;
  };
  return { registry, observer, value };
}

const prefixed = { keyPrefixOf: (key: string) => /^[a-z]+:/.exec(key)?.[0] };
const about = { keyPrefix: "user:", flightId: "1-a-b" };

describe("calls in one process", () => {
  test("executions and coalesced calls add up to calls", async () => {
    const { observer, value } = observing();
    const flights = new Singleflight({ observer, ...prefixed });
    await Promise.all(Array.from({ length: 10 }, () => flights.do("user:1", async () => 1)));
    await flights.do("user:2", async () => 2);
    await flights.do("no prefix", async () => 3);
    expect(await value("singleflight_started_total", { key_prefix: "user:" })).toBe(2);
    expect(await value("singleflight_coalesced_total", { key_prefix: "user:" })).toBe(9);
    expect(await value("singleflight_started_total", { key_prefix: "other" })).toBe(1);
    expect(
      await value("singleflight_cluster_flights_total", {
        key_prefix: "user:",
        role: "local",
        outcome: "value",
      }),
    ).toBe(2);
  });

  test("how long calls took is told apart for those that started an execution", async () => {
    const { observer, value } = observing();
    const flights = new Singleflight({ observer, ...prefixed });
    await Promise.all([flights.do("user:1", async () => 1), flights.do("user:1", async () => 1)]);
    for (const coalesced of ["true", "false"]) {
      const labels = { key_prefix: "user:", coalesced };
      expect(await value("singleflight_duration_seconds_count", labels)).toBe(1);
      expect(await value("singleflight_duration_seconds_bucket", { ...labels, le: 10 })).toBe(1);
    }
  });

  test("executions under way are a gauge that comes back to zero, also after errors", async () => {
    const { observer, value } = observing();
    const flights = new Singleflight({ observer, ...prefixed });
    const { promise, reject } = Promise.withResolvers<number>();
    const calls = [flights.do("user:1", () => promise), flights.do("user:2", () => promise)];
    expect(await value("singleflight_cluster_inflight", { key_prefix: "user:" })).toBe(2);
    reject(new Error("no"));
    await Promise.allSettled(calls);
    expect(await value("singleflight_cluster_inflight", { key_prefix: "user:" })).toBe(0);
  });

  test("each limit that bites has a number", async () => {
    const { observer, value } = observing();
    const { promise, resolve } = Promise.withResolvers<number>();
    const common = { observer, maxEntries: 1, ...prefixed };
    const evicting = new Singleflight({ ...common, maxWaiters: 1, maxAgeMs: 1 });
    const bypassing = new Singleflight({ ...common, onFull: "bypass" });
    const rejecting = new Singleflight({ ...common, onFull: "reject" });
    const calls = [evicting, bypassing, rejecting].flatMap((flights) =>
      ["user:1", "user:2", "user:2"].map((key) => flights.do(key, () => promise, { timeoutMs: 20 })),
    );
    await Promise.allSettled(calls);
    const aged = evicting.do("user:3", () => promise);
    await expect(evicting.do("user:3", () => promise, { timeoutMs: 20 })).rejects.toThrow("callers");
    await new Promise((passed) => setTimeout(passed, 5));
    const replacing = evicting.do("user:3", () => promise);
    resolve(1);
    await Promise.all([aged, replacing, rejecting.close()]);
    await rejecting.do("user:1", () => promise).catch(() => undefined);
    const counted = async (name: string, reason?: string): Promise<number | undefined> =>
      value(name, { key_prefix: "user:", ...(reason === undefined ? {} : { reason }) });
    expect(await counted("singleflight_evicted_total")).toBe(1);
    expect(await counted("singleflight_bypassed_total")).toBeGreaterThanOrEqual(1);
    expect(await counted("singleflight_aged_total")).toBe(1);
    expect(await counted("singleflight_timeouts_total")).toBeGreaterThanOrEqual(3);
    expect(await counted("singleflight_refused_total", "full")).toBe(2);
    expect(await counted("singleflight_refused_total", "waiters")).toBe(2);
    expect(await counted("singleflight_refused_total", "closed")).toBe(1);
    expect(await counted("singleflight_refused_total", "reentrant")).toBe(0);
  });
});

describe("labels", () => {
  test("never hold a key, also when events do", async () => {
    const { registry, observer } = observing({ prefixes: ["user:"] });
    const flights = new Singleflight({ observer, exposeKeys: true, maxEntries: 1, ...prefixed });
    const keys = Array.from({ length: 50 }, (_, index) => `user:canary-${index}`);
    await Promise.all(keys.map((key) => flights.do(key, async () => "canary")));
    await Promise.allSettled(
      ["canary", "canary-7"].map((key) => flights.do(key, () => Promise.reject(new Error("canary")))),
    );
    const text = await registry.metrics();
    expect(text).toContain('key_prefix="user:"');
    expect(text).not.toContain("canary");
  });

  test("have a bounded number of prefixes, whatever keyPrefixOf returns", async () => {
    const { registry, observer, value } = observing({ maxPrefixes: 3 });
    const flights = new Singleflight({ observer, keyPrefixOf: (key) => key });
    for (let index = 0; index < 20; index++) await flights.do(`key-${index}`, async () => index);
    const text = await registry.metrics();
    const prefixes = new Set([...text.matchAll(/key_prefix="([^"]*)"/g)].map(([, prefix]) => prefix));
    expect(prefixes).toEqual(new Set(["key-0", "key-1", "key-2", "other"]));
    expect(await value("singleflight_started_total", { key_prefix: "other" })).toBe(17);
    expect(await value("singleflight_prefixes_over_limit_total")).toBeGreaterThanOrEqual(17);
  });

  test("have only values of the closed sets", async () => {
    const { registry, observer } = observing();
    for (const event of oneOfEach()) observer.onEvent(event);
    for (const metric of await registry.getMetricsAsJSON()) {
      const definition = Object.values(metricDefinitions).find(({ name }) => name === metric.name);
      for (const { labels } of metric.values) {
        for (const [label, labelValue] of Object.entries(labels)) {
          const set = definition?.labels.find((one) => one.label === label)?.values;
          if (label === "le") continue;
          if (set === "prefix") expect(["user:", "other"]).toContain(labelValue);
          else expect(set === undefined ? [] : labelValues[set]).toContain(labelValue);
        }
      }
    }
  });

  test("escape what a prefix may contain", async () => {
    const { registry, observer } = observing({ prefixes: ['a"\\\n'] });
    observer.onEvent({ ...about, keyPrefix: 'a"\\\n', type: "execution-started" });
    expect(await registry.metrics()).toContain('singleflight_started_total{key_prefix="a\\"\\\\\\n"} 1');
  });
});

describe("a fleet", () => {
  test("every event that can be counted is counted", async () => {
    const { registry, observer } = observing();
    for (const event of oneOfEach()) observer.onEvent(event);
    const silent = (await registry.getMetricsAsJSON())
      .filter(({ values }) => values.every((sample) => sample.value === 0))
      .map(({ name }) => name);
    expect(silent).toEqual(["singleflight_cluster_inflight", "singleflight_prefixes_over_limit_total"]);
  });

  test("its counters are at zero before anything was counted, and absent where there is no fleet", async () => {
    const { observer, value } = observing({ prefixes: ["user:"] });
    const abandoned = ["singleflight_cluster_abandoned_total", { key_prefix: "user:" }] as const;
    expect(await value(...abandoned)).toBeUndefined();
    observer.onEvent({ type: "link", link: "commands", state: "up" });
    expect(await value(...abandoned)).toBe(0);
    expect(await value("singleflight_cluster_link_up", { link: "commands" })).toBe(1);
    observer.onEvent({ type: "link", link: "commands", state: "down" });
    expect(await value("singleflight_cluster_link_up", { link: "commands" })).toBe(0);
    observer.onEvent({ ...about, keyPrefix: "late:", type: "lead", takeovers: 0 });
    observer.onEvent({ ...about, keyPrefix: "late:", type: "execution-started" });
    expect(await value("singleflight_cluster_abandoned_total", { key_prefix: "late:" })).toBe(0);
  });

  test("the breaker is closed until it says otherwise", async () => {
    const { observer, value } = observing();
    const states: (number | undefined)[] = [await value("singleflight_cluster_breaker_state")];
    for (const state of ["open", "half-open", "closed"] as const) {
      observer.onEvent({ type: "breaker", state });
      states.push(await value("singleflight_cluster_breaker_state"));
    }
    expect(states).toEqual([0, 2, 1, 0]);
  });

  test("a wake-up takes as long as the leader says, or as old as the outcome was when it was found", async () => {
    const { observer, value } = observing();
    const settled = { ...about, type: "settle-accepted", outcome: "value", bytes: 10, settles: 1 } as const;
    observer.onEvent({ ...settled, woken: 2, tookMs: 2 });
    observer.onEvent({ ...settled, woken: 0, tookMs: 2 });
    observer.onEvent({ ...about, type: "woken", waitedMs: 900, bytes: 10 });
    observer.onEvent({ ...about, type: "wakeup-missed", sinceSettledMs: 1_000 });
    const labels = { key_prefix: "user:" };
    expect(await value("singleflight_cluster_wakeup_seconds_count", labels)).toBe(2);
    expect(await value("singleflight_cluster_wakeup_seconds_sum", labels)).toBeCloseTo(1.002);
    expect(await value("singleflight_cluster_missed_wakeups_total", labels)).toBe(1);
    expect(await value("singleflight_cluster_outcome_bytes_count", labels)).toBe(2);
  });
});

describe("a cache", () => {
  test("its hits, misses, renewals and writes are counted under the prefix of the flights", async () => {
    const { observer, registry, value } = observing({ prefixes: ["user:"] });
    const hits = ["singleflight_cache_hits_total", { key_prefix: "user:", how: "fresh" }] as const;
    expect(await value(...hits)).toBeUndefined();
    const flights = new Singleflight({ observer, ...prefixed });
    const cache = createCache({ flights, ttlMs: 60_000, staleMs: 60_000, observer });
    await cache.get("user:canary", async () => 1);
    await cache.get("user:canary", async () => 2);
    await cache.set("user:canary", 3);
    expect(await value(...hits)).toBe(1);
    expect(await value("singleflight_cache_misses_total", { key_prefix: "user:", expected: "true" })).toBe(1);
    expect(await value("singleflight_cache_written_total", { key_prefix: "user:" })).toBe(2);
    expect(await value("singleflight_cache_entry_bytes_count", { key_prefix: "user:" })).toBe(2);
    expect(await value("singleflight_cache_written_total", { key_prefix: "other" })).toBe(0);
    expect(await registry.metrics()).not.toContain("canary");
  });
});

describe("the registry", () => {
  test("has every metric of the list, and nothing else", async () => {
    const { registry } = observing();
    expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(metricNames);
  });

  test("refuses a second observer: the names are taken", () => {
    const { registry } = observing();
    expect(() => new PrometheusObserver({ registry })).toThrow("already been registered");
  });

  test("can be reset, merged and read in both formats", async () => {
    const { registry, observer, value } = observing();
    observer.onEvent({ ...about, type: "execution-started" });
    registry.setDefaultLabels({ service: "shop" });
    expect(await registry.metrics()).toContain(
      'singleflight_started_total{key_prefix="user:",service="shop"} 1',
    );
    const merged = Registry.merge([registry]);
    expect(await merged.metrics()).toContain("singleflight_started_total");
    registry.resetMetrics();
    expect(await value("singleflight_started_total", { key_prefix: "user:" })).toBe(0);
    const open: Registry = new Registry();
    Reflect.apply(open.setContentType, open, [Registry.OPENMETRICS_CONTENT_TYPE]);
    const other = new PrometheusObserver({ registry: open });
    other.onEvent({ ...about, type: "execution-started" });
    expect(await open.metrics()).toContain('singleflight_started_total{key_prefix="user:"} 1');
  });

  test("options out of range are refused with their value", () => {
    for (const maxPrefixes of [0, 1.5, 10_001]) {
      expect(() => observing({ maxPrefixes })).toThrow(`maxPrefixes is ${maxPrefixes}`);
    }
  });
});

test("the observer fits core, cluster and cache alike", () => {
  const observer = new PrometheusObserver({ registry: new Registry() });
  const core: Observer = observer;
  const cluster: Observer<ClusterEvent> = observer;
  const cache: Observer<CacheEvent> = observer;
  expect(new Set([core, cluster, cache]).size).toBe(1);
});

type Sets = typeof labelValues;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

test("the closed sets are those of the events: the compiler checks it", () => {
  const complete: {
    role: Same<Sets["role"][number], Role>;
    ending: Same<Sets["ending"][number], CallEnding>;
    refused: Same<Sets["refused"][number], RefusedWhy>;
    fallback: Same<Sets["fallback"][number], FallbackReason>;
    fallbackRefused: Same<Sets["fallbackRefused"][number], FallbackRefusedWhy>;
    takeover: Same<Sets["takeover"][number], TakeoverReason>;
    resign: Same<Sets["resign"][number], ResignReason>;
    rejected: Same<Sets["rejected"][number], RejectedWhy>;
    unshareable: Same<Sets["unshareable"][number], Extract<ClusterEvent, { type: "unshareable" }>["why"]>;
    leaseLost: Same<Sets["leaseLost"][number], Extract<ClusterEvent, { type: "lease-lost" }>["why"]>;
    hit: Same<Sets["hit"][number], Extract<CacheNews, { type: "hit" }>["how"]>;
    refresh: Same<Sets["refresh"][number], Extract<CacheNews, { type: "refresh" }>["why"]>;
    notWritten: Same<Sets["notWritten"][number], Extract<CacheNews, { type: "not-written" }>["why"]>;
    broken: Same<Sets["broken"][number], Extract<CacheNews, { type: "broken" }>["why"]>;
    link: Same<Sets["link"][number], Extract<ClusterEvent, { type: "link" }>["link"]>;
  } = {
    role: true,
    ending: true,
    refused: true,
    fallback: true,
    fallbackRefused: true,
    takeover: true,
    resign: true,
    rejected: true,
    unshareable: true,
    leaseLost: true,
    hit: true,
    refresh: true,
    notWritten: true,
    broken: true,
    link: true,
  };
  expect(Object.values(complete)).not.toContain(false);
});

/** Each event, with each value of its closed sets. */
function oneOfEach(): (ClusterEvent | CacheEvent)[] {
  const s = labelValues;
  return [
    { ...about, type: "call-started", callId: 1 },
    { ...about, type: "execution-started", background: true },
    { ...about, type: "execution-ended", outcome: "value", durationMs: 1, aborted: false },
    ...s.role.flatMap((role) =>
      s.ending.flatMap((ending): ClusterEvent[] => [
        {
          ...about,
          type: "call-ended",
          callId: 1,
          ending,
          role,
          coalesced: role === "follower",
          shared: true,
          waitedMs: 5,
        },
        { ...about, type: "flight-ended", ending, role },
      ]),
    ),
    ...s.refused.map((why) => ({ type: "call-refused" as const, keyPrefix: "user:", why })),
    { ...about, type: "flight-aged" },
    { ...about, type: "flight-evicted" },
    { ...about, type: "flight-bypassed" },
    { ...about, type: "flight-unwanted" },
    { ...about, type: "flight-forgotten" },
    { ...about, type: "lead", takeovers: 0 },
    { ...about, type: "follow" },
    ...s.takeover.map((reason) => ({ ...about, type: "takeover" as const, reason, takeovers: 1 })),
    { ...about, type: "settle-accepted", outcome: "value", bytes: 100, woken: 3_000, tookMs: 2, settles: 3 },
    { ...about, type: "settle-fenced" },
    { ...about, type: "settle-lost" },
    ...s.leaseLost.map((why) => ({ ...about, type: "lease-lost" as const, why })),
    ...s.resign.map((reason) => ({ ...about, type: "resign" as const, reason })),
    ...s.fallback.map((reason) => ({ ...about, type: "fallback" as const, reason })),
    ...s.fallbackRefused.map((why) => ({
      ...about,
      type: "fallback-refused" as const,
      reason: "timeout" as const,
      why,
    })),
    { ...about, type: "wait-timeout" },
    { ...about, type: "abandoned", takeovers: 3 },
    { ...about, type: "woken", waitedMs: 5, bytes: 100, sinceSettledMs: 1 },
    { ...about, type: "wakeup-missed", sinceSettledMs: 1 },
    ...s.unshareable.map((why) => ({ ...about, type: "unshareable" as const, why })),
    { ...about, type: "abort-ignored" },
    { ...about, type: "shadow-saved" },
    ...s.rejected.map((why) => ({ type: "rejected" as const, keyPrefix: "user:", why })),
    { type: "breaker", state: "open" },
    ...s.link.map((link) => ({ type: "link" as const, link, state: "up" as const })),
    ...s.hit.map((how) => ({ keyPrefix: "user:", type: "hit" as const, how, kind: "value" as const })),
    ...[true, false].map((unexpected) => ({ keyPrefix: "user:", type: "miss" as const, unexpected })),
    ...s.refresh.map((why) => ({ keyPrefix: "user:", type: "refresh" as const, why })),
    ...s.notWritten.map((why) => ({ keyPrefix: "user:", type: "not-written" as const, why })),
    ...s.broken.map((why) => ({ keyPrefix: "user:", type: "broken" as const, why })),
    { keyPrefix: "user:", type: "written", bytes: 100, ttlMs: 1_000 },
    { keyPrefix: "user:", type: "read-failed" },
    { keyPrefix: "user:", type: "bypass" },
    { type: "capabilities", missing: ["+publish"], warnings: ["maxmemory-policy"] },
  ];
}
