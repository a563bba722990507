/** The demo's fleet under load, scraped by a real Prometheus: the dashboard and the alert rules are asked of its numbers. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { metricDefinitions } from "@skein/metrics";
import { waitUntil } from "@skein/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  alertQueries,
  alertRules,
  alertsFile,
  dashboardQueries,
  filledIn,
  metricsIn,
} from "../../metrics/test/artefacts.ts";
import { PrometheusServer } from "../../metrics/test/prometheus-server.ts";
import { startBackends } from "../dist/demo/backends.js";
import { Fleet } from "../dist/demo/fleet.js";
import { createSales, dayBeforeLast } from "../dist/demo/sales.js";
import { type Call, Stampede } from "../dist/demo/stampede.js";

const RATE_INTERVAL = "2m";
const STAMPEDES = 3;
const WINDOW_DAYS = 30;
const CALLERS = 280;

const started = new AsyncDisposableStack();
let prometheus: PrometheusServer;
let failures: readonly string[];
let servers: Fleet["servers"];
let stampede: Stampede;

beforeAll(async () => {
  const { ready } = started.use(await startBackends(undefined));
  const postgres = new Client({ connectionString: ready.postgresUrl });
  await postgres.connect();
  started.defer(() => postgres.end());
  await createSales(postgres);
  const namespace = `demo-${randomUUID()}`;
  const fleet = started.use(
    await Fleet.start({ mode: "cluster", namespace, windowDays: WINDOW_DAYS, ...ready }),
  );
  ({ servers } = fleet);
  stampede = started.use(await Stampede.open(servers));
  const targets = servers.map(({ origin }) => new URL(origin).host);
  prometheus = started.use(await PrometheusServer.start(targets, fileURLToPath(alertsFile)));
  await scrapes(2);
  const answered: string[] = [];
  for (let day = 0; day < STAMPEDES; day++) {
    const calls = await stampedeDuringOneQuery(postgres, `/report/${dayBeforeLast(day)}`);
    answered.push(...calls.map(({ failure = "answered" }) => failure));
  }
  // A report that is kept: the second crowd is answered from the entry.
  for (let crowd = 0; crowd < 2; crowd++) {
    const calls = await stampede.run(`/kept/${dayBeforeLast(0)}`, new AbortController().signal);
    answered.push(...calls.map(({ failure = "answered" }) => failure));
  }
  failures = answered.filter((fate) => fate !== "answered");
  await scrapes(2);
}, 120_000);

afterAll(() => started.disposeAsync());

/** The query waits for the table until every caller is with its server: however slow the machine, nobody comes too late. */
async function stampedeDuringOneQuery(postgres: Client, path: string): Promise<Call[]> {
  await postgres.query("begin");
  await postgres.query("lock table sales in access exclusive mode");
  const calls = stampede.run(path, new AbortController().signal);
  // What is asked later, on a connection that is yet to be accepted, is answered later.
  for (const { origin } of servers) await (await fetch(`${origin}/ready`)).text();
  await postgres.query("commit");
  return calls;
}

/** So many more of every server: a rate needs two samples of the same series. */
async function scrapes(count: number): Promise<void> {
  const ask = async (): Promise<number> => (await numbers('min(sum_over_time(up{job="shop"}[5m]))'))[0] ?? 0;
  const before = await ask();
  await waitUntil(async () => (await ask()) >= before + count, { what: "scrapes", timeoutMs: 30_000 });
}

async function numbers(expr: string): Promise<readonly number[]> {
  return (await prometheus.query(expr)).map(({ value: [, text] }) => Number(text));
}

describe("what the demo's servers export", () => {
  test("has every metric of the list", async () => {
    const exported = await prometheus.query('count by (__name__) ({__name__=~"singleflight_.+"})');
    const expected = Object.values(metricDefinitions).flatMap(({ name, kind }) =>
      kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    expect(exported.map(({ metric }) => metric["__name__"] ?? "").toSorted()).toEqual(expected.toSorted());
  });

  test("says that every stampede cost one execution in the whole fleet, and that nobody failed", async () => {
    expect(failures).toEqual([]);
    const of = '{key_prefix="report:"}';
    expect(await numbers(`sum(singleflight_started_total${of})`)).toEqual([STAMPEDES]);
    expect(await numbers(`sum(singleflight_coalesced_total${of})`)).toEqual([STAMPEDES * (CALLERS - 1)]);
    const led = 'sum(singleflight_cluster_flights_total{key_prefix="report:",role="leader",outcome="value"})';
    expect(await numbers(led)).toEqual([STAMPEDES]);
  });

  test("says that a report that is kept was loaded once, and that the crowd after that was answered from it", async () => {
    expect(await numbers('sum(singleflight_started_total{key_prefix="kept:"})')).toEqual([1]);
    expect(await numbers('sum(singleflight_cache_written_total{key_prefix="kept:"})')).toEqual([1]);
    const [hits] = await numbers('sum(singleflight_cache_hits_total{key_prefix="kept:",how="fresh"})');
    expect(hits).toBeGreaterThanOrEqual(4);
  });
});

test.each(dashboardQueries())("$where is answered with the demo's data: $expr", async ({ expr }) => {
  expect(await numbers(filledIn(expr, RATE_INTERVAL))).not.toEqual([]);
});

test.each(alertQueries())("$where asks for series that the demo exports", async ({ expr }) => {
  await prometheus.query(expr);
  for (const name of metricsIn(expr)) expect(await prometheus.query(name)).not.toEqual([]);
});

test("no alert of a failing fleet fires while the demo is well", async () => {
  const healthy = await waitUntil(
    async () => {
      const rules = await prometheus.rules();
      return rules.every(({ health }) => health !== "unknown") ? rules : undefined;
    },
    { what: "every rule to be evaluated" },
  );
  expect(healthy.map(({ name, health }) => [name, health])).toEqual(
    alertRules().map(({ alert }) => [alert, "ok"]),
  );
  const firing = await prometheus.query('ALERTS{alertstate="firing",severity="page"}');
  expect(firing.map(({ metric }) => metric["alertname"])).toEqual([]);
});
