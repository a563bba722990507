/** The example service as processes: what its probes say when its servers are away, and how it leaves. */
import { TcpProxy, waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBackends, type BackendsReady } from "../../dist/demo/backends.js";
import { ServiceProcess } from "../service-process.ts";

const MAX_TEST_MS = 90_000;
const NOBODY = "redis://127.0.0.1:1";

const started = new AsyncDisposableStack();
let backends: BackendsReady;

beforeAll(async () => {
  backends = started.use(await startBackends(undefined)).ready;
}, MAX_TEST_MS);

afterAll(() => started.disposeAsync());

function environment(overrides: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    REDIS_URL: backends.redisUrl,
    POSTGRES_URL: backends.postgresUrl,
    REDIS_TIMEOUT_MS: "1000",
    DRAIN_DELAY_MS: "1500",
    ...overrides,
  };
}

async function startOne(overrides?: NodeJS.ProcessEnv): Promise<ServiceProcess> {
  const [service] = await ServiceProcess.startFleet(1, environment(overrides));
  if (service === undefined) throw new Error("No service was started.");
  return service;
}

/** @returns what /state and /fleet say then. */
async function untilLeading(service: ServiceProcess): Promise<string> {
  return waitUntil(async () => {
    const state = await (await service.answer("/state")).text();
    const { leading } = JSON.parse(state) as { leading: unknown[] };
    return leading.length === 1 ? state + (await (await service.answer("/fleet")).text()) : undefined;
  });
}

test(
  "without Redis it is alive and ready, says that it is alone, and answers",
  { timeout: MAX_TEST_MS },
  async () => {
    await using service = await startOne({ REDIS_URL: NOBODY });
    expect((await service.answer("/healthz")).status).toBe(200);
    const ready = await service.answer("/readyz");
    expect({ status: ready.status, body: await ready.json() }).toEqual({
      status: 200,
      body: { ready: true, coordination: "alone" },
    });
    const answer = await service.answer("/live/2026-01-01?rows=1000");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-flight-role")).toBe("local");
  },
);

test(
  "without Postgres it is alive and not ready, and ready again afterwards",
  { timeout: MAX_TEST_MS },
  async () => {
    const postgres = new URL(backends.postgresUrl);
    await using proxy = await TcpProxy.start({ targetPort: Number(postgres.port) });
    postgres.port = String(proxy.port);
    await using service = await startOne({ POSTGRES_URL: postgres.href });
    proxy.refuse();
    proxy.reset();
    const readyIs = async (status: number): Promise<boolean> =>
      (await service.answer("/readyz")).status === status;
    await waitUntil(() => readyIs(503), { timeoutMs: 20_000 });
    expect((await service.answer("/healthz")).status).toBe(200);
    expect(await (await service.answer("/fleet")).json()).toMatchObject({ replicas: [{}], executions: null });
    proxy.refuse(false);
    await waitUntil(() => readyIs(200), { timeoutMs: 20_000 });
  },
);

test(
  "a Postgres that falls silent makes it not ready, and does not keep it from leaving",
  { timeout: MAX_TEST_MS },
  async () => {
    const postgres = new URL(backends.postgresUrl);
    await using proxy = await TcpProxy.start({ targetPort: Number(postgres.port) });
    postgres.port = String(proxy.port);
    await using service = await startOne({
      POSTGRES_URL: postgres.href,
      DRAIN_DELAY_MS: "0",
      DRAIN_MS: "100",
      NAMESPACE: "silent",
    });
    const lost = service.answer("/live/2026-01-07?rows=40000000").catch(() => undefined);
    await untilLeading(service);
    // No reset: the connections stay open, and nothing comes any more.
    proxy.swallow();
    expect((await service.answer("/readyz")).status).toBe(503);
    service.kill("SIGTERM");
    expect(await service.ended()).toBe(0);
    await lost;
  },
);

test(
  "on SIGTERM it is not ready, but answers what is under way and what still comes, and ends with 0",
  { timeout: MAX_TEST_MS },
  async () => {
    await using service = await startOne({ DRAIN_DELAY_MS: "6000" });
    const underWay = service.answer("/live/2026-01-02?rows=10000000");
    await untilLeading(service);
    service.kill("SIGTERM");
    await waitUntil(async () => (await service.answer("/readyz")).status === 503, { timeoutMs: 20_000 });
    const late = await service.answer("/live/2026-01-03?rows=1000");
    expect(late.status).toBe(200);
    expect(late.headers.get("connection")).toBe("close");
    expect((await underWay).status).toBe(200);
    expect(await service.ended()).toBe(0);
  },
);

test(
  "leaves its leadership to the others when its time to drain is over",
  { timeout: MAX_TEST_MS },
  async () => {
    const [first, second] = await ServiceProcess.startFleet(
      2,
      environment({ DRAIN_DELAY_MS: "0", DRAIN_MS: "100", NAMESPACE: "resigning" }),
    );
    if (first === undefined || second === undefined) throw new Error("Two services were asked for.");
    await using _first = first;
    await using _second = second;
    const path = "/live/2026-01-04?rows=40000000";
    // Its callers are lost with it: it was told to leave in less time than its work takes.
    const lost = first.answer(path).catch(() => undefined);
    await untilLeading(first);
    const kept = second.answer(path);
    await waitUntil(async () => {
      const { callersWaiting } = (await (await second.answer("/state")).json()) as { callersWaiting: number };
      return callersWaiting === 1;
    });
    first.kill("SIGTERM");
    const answer = await kept;
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-flight-role")).toBe("leader");
    // A leader that closes is no leader that died.
    expect(answer.headers.get("x-flight-takeovers")).toBe("0");
    expect(await first.ended()).toBe(0);
    await lost;
  },
);

test(
  "whoever asks what it is doing is told kinds of work, not keys; its log has none either",
  { timeout: MAX_TEST_MS },
  async () => {
    await using service = await startOne({ CONTROLS: "true", LOG_LEVEL: "debug" });
    const underWay = service.answer("/live/2026-01-06?rows=10000000");
    const told = await untilLeading(service);
    expect(told).toContain('"prefix":"live:"');
    expect(told).not.toContain("2026-01-06");
    expect((await underWay).status).toBe(200);
    expect(await (await service.answer("/metrics")).text()).not.toContain("2026-01-06");
    expect(service.lines.join("\n")).not.toContain("2026-01-06");
  },
);

test(
  "every answer's log line names its flight, and no secret is logged",
  { timeout: MAX_TEST_MS },
  async () => {
    await using service = await startOne({ FLIGHT_SECRETS: "canary-0123456789abcdef" });
    const answer = await service.answer("/reports/2026-01-05?rows=1000");
    const flightId = answer.headers.get("x-flight-id") ?? "none";
    await waitUntil(() =>
      service.lines.some((line) => line.includes('"msg":"answered"') && line.includes(flightId)),
    );
    const log = service.lines.join("\n");
    expect(log).not.toContain("canary");
    expect(log).not.toContain(new URL(backends.postgresUrl).password);
  },
);

test("ends at once, and says why, when its environment is wrong", { timeout: MAX_TEST_MS }, async () => {
  await using service = ServiceProcess.start(0, { REDIS_URL: "nonsense" });
  expect(await service.ended()).toBe(78);
  expect(service.lines.join("\n")).toMatch(/REDIS_URL: [^]*POSTGRES_URL: is required/u);
});
