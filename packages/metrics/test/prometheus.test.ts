/** A real Prometheus, on real fleets: it scrapes, and evaluates every query of the dashboard and of the alert rules. */
import { fileURLToPath } from "node:url";
import { readFileSync } from "node:fs";
import { metricDefinitions } from "@skein/metrics";
import { waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { alertQueries, alertRules, alertsFile, dashboardQueries, filledIn, metricsIn } from "./artefacts.ts";
import { CANARY, FleetUnderLoad } from "./fleet-under-load.ts";
import { promtool, PrometheusServer, type Series } from "./prometheus-server.ts";

const here = new URL("./", import.meta.url);
const RATE_INTERVAL = "2m";

let fleet: FleetUnderLoad;
let prometheus: PrometheusServer;

beforeAll(async () => {
  fleet = await FleetUnderLoad.start();
  prometheus = await PrometheusServer.start(fleet.targets, fileURLToPath(alertsFile));
  // A rate needs two samples with the same series in both.
  const scrapes = async (): Promise<number> => {
    const [count] = await prometheus.query('min(sum_over_time(up{job="shop"}[5m]))');
    return Number(count?.value[1] ?? 0);
  };
  const twoMoreScrapes = async (): Promise<void> => {
    const soFar = await scrapes();
    await waitUntil(async () => (await scrapes()) >= soFar + 2, {
      what: "two more scrapes",
      timeoutMs: 30_000,
    });
  };
  await twoMoreScrapes();
  for (let round = 0; round < 3; round++) {
    await fleet.round();
    await twoMoreScrapes();
  }
  await fleet.takeover();
  await fleet.fallBack();
  await twoMoreScrapes();
}, 120_000);

afterAll(async () => {
  await prometheus?.stop();
  await fleet?.[Symbol.asyncDispose]();
});

function numbers(series: readonly Series[]): readonly number[] {
  return series.map(({ value: [, text] }) => Number(text));
}

describe("what a fleet under load exports", () => {
  test("has every metric of the list, with the labels of the list, and nothing else", async () => {
    for (const { name, kind, labels } of Object.values(metricDefinitions)) {
      const series = await prometheus.query(kind === "histogram" ? `${name}_bucket` : name);
      const suffix = kind === "histogram" ? ["le"] : [];
      const expected = [...labels.map(({ label }) => label), ...suffix, "instance", "job", "__name__"];
      expect({ name, series: series.length > 0 }).toEqual({ name, series: true });
      for (const { metric } of series) {
        expect({ name, labels: Object.keys(metric).toSorted() }).toEqual({
          name,
          labels: expected.toSorted(),
        });
      }
    }
    const exported = await prometheus.query('count by (__name__) ({__name__=~"singleflight_.+"})');
    const known = Object.values(metricDefinitions).flatMap(({ name, kind }) =>
      kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    expect(exported.map(({ metric }) => metric["__name__"] ?? "").toSorted()).toEqual(known.toSorted());
  });

  test("never has a key, a value or an error in it, though the events carry keys", async () => {
    const texts = await fleet.expositions();
    expect(texts).toHaveLength(2);
    for (const text of texts) {
      expect(text).toContain('key_prefix="user:"');
      expect(text).not.toContain(CANARY);
    }
  });

  test("adds up: executions and coalesced calls are calls", async () => {
    const ask = async (expr: string): Promise<number> => numbers(await prometheus.query(expr))[0] ?? NaN;
    const select = '{key_prefix="report:"}';
    expect(await ask(`sum(singleflight_started_total${select})`)).toBe(9);
    expect(await ask(`sum(singleflight_coalesced_total${select})`)).toBe(15);
    expect(await ask(`sum(singleflight_duration_seconds_count${select})`)).toBe(24);
  });
});

describe("the dashboard", () => {
  test.each(dashboardQueries())("$where is answered with data: $expr", async ({ expr }) => {
    const series = await prometheus.query(filledIn(expr, RATE_INTERVAL));
    expect(series.length).toBeGreaterThan(0);
  });

  test("shows what the load was about, in numbers other than zero", async () => {
    const excepted = new Set([
      // Nothing of this happened, or it is over. How each of them counts is shown without a fleet.
      ...["abandoned_total", "wait_timeouts_total", "fenced_total", "settle_lost_total", "rejected_total"],
      ...["extra_settles_total", "missed_wakeups_total", "capability_problems", "lease_lost_total"],
      ...["evicted_total", "bypassed_total", "prefixes_over_limit_total", "inflight"],
      ...["background_total", "cache_bypassed_total", "cache_broken_total", "cache_reads_failed_total"],
      // Zero is the news.
      "link_up",
    ]);
    for (const { where, expr } of dashboardQueries()) {
      const names = metricsIn(expr).map((name) => name.replace(/^singleflight_(cluster_)?/, ""));
      if (names.some((name) => excepted.has(name))) continue;
      const values = numbers(await prometheus.query(filledIn(expr, RATE_INTERVAL)));
      expect({ where, expr, seen: values.some((value) => value > 0) }).toEqual({ where, expr, seen: true });
    }
  });
});

describe("the alert rules", () => {
  test("are loaded and evaluated without an error", async () => {
    const healthy = await waitUntil(
      async () => {
        const rules = await prometheus.rules();
        return rules.every(({ health }) => health !== "unknown") ? rules : undefined;
      },
      { what: "every rule to be evaluated" },
    );
    expect(healthy.map(({ name }) => name)).toEqual(alertRules().map(({ alert }) => alert));
    expect(healthy.filter(({ health }) => health !== "ok")).toEqual([]);
  });

  test.each(alertQueries())(
    "$where can be evaluated, and asks for series that are there",
    async ({ expr }) => {
      await prometheus.query(expr);
      for (const name of metricsIn(expr)) expect(await prometheus.query(name)).not.toEqual([]);
    },
  );

  test("fire for what has happened here, and say so", async () => {
    const names = async (): Promise<ReadonlySet<string | undefined>> =>
      new Set((await prometheus.query("ALERTS")).map(({ metric }) => metric["alertname"]));
    const expected = [
      "SingleflightBreakerOpen",
      "SingleflightLinkDown",
      "SingleflightFallbackRefused",
      "SingleflightAged",
      "SingleflightLimitReached",
      "SingleflightUnshareable",
      "SingleflightCacheNotWritten",
    ];
    const active = await waitUntil(
      async () => {
        const seen = await names();
        const missing = expected.filter((name) => !seen.has(name));
        if (missing.length > 0) throw new Error(`not yet: ${missing.join(", ")}`);
        return seen;
      },
      { what: "the alerts", timeoutMs: 20_000 },
    );
    expect(active).not.toContain("SingleflightKeyAbandoned");
  });

  test("are valid, and each fires on what it is about and stays quiet on a quiet day", async () => {
    expect(await promtool(["check", "rules", fileURLToPath(alertsFile)], here)).toContain("SUCCESS");
    expect(await promtool(["test", "rules", "alert-rules.yaml"], here)).toContain("SUCCESS");
    const { tests } = parse(readFileSync(new URL("alert-rules.yaml", here), "utf8")) as {
      tests: { name: string }[];
    };
    expect(tests.map(({ name }) => name)).toEqual([...alertRules().map(({ alert }) => alert), "a quiet day"]);
  });
});
