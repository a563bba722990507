/** A primary behind Sentinels dies or is replaced, and the Sentinels die, while calls go on. */
import { ClusterSingleflight } from "@skein/cluster";
import { RedisSentinels, waitUntil } from "@skein/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Flock } from "../topology/flock.ts";
import { Load } from "../topology/load.ts";
import { WAKEUP } from "../wakeup.ts";

const KEYS = Array.from({ length: 8 }, (_, index) => `k:${index}`);

let redis: RedisSentinels;

beforeEach(async () => {
  redis = await RedisSentinels.start();
});
afterEach(() => redis.stop());

test("under load no call is lost when the primary is killed", async () => {
  await using flock = await Flock.start(redis.options, 3);
  const load = new Load(flock.members, KEYS);
  await waitUntil(() => load.calls > 300, { what: "some calls" });
  const [primary] = redis.servers;
  if (primary === undefined) throw new Error("no primary");
  await primary.kill();
  await redis.failedOverFrom(primary);
  await flock.coordinates("k:0");
  const report = await load.end();
  expect(report.lost).toEqual([]);
  expect(report.executions).toBeLessThan(report.calls);
});

test("under load no call is lost when the primary becomes a replica and lives on", async () => {
  await using flock = await Flock.start(redis.options, 3);
  const load = new Load(flock.members, KEYS);
  await waitUntil(() => load.calls > 300, { what: "some calls" });
  const [primary] = redis.servers;
  if (primary === undefined) throw new Error("no primary");
  await redis.failOver();
  const successor = await redis.failedOverFrom(primary);
  await waitUntil(async () => (await primary.client().role())[0] === "slave", {
    timeoutMs: 60_000,
    what: "the old primary to follow the new one",
  });
  await flock.coordinates("k:0");
  expect((await load.end()).lost).toEqual([]);
  // Commands and inbox of each are at the new one, and nothing of them at the old one.
  const connections = async (server: typeof primary): Promise<number> =>
    String(await server.client().client("LIST")).split("name=skein ").length - 1;
  await waitUntil(async () => (await connections(successor)) === 6 && (await connections(primary)) === 0, {
    what: "all connections at the new primary",
  });
});

test("without Sentinels connections stay, and a process that comes then falls back until they are there", async () => {
  await using flock = await Flock.start(redis.options, 2);
  await Promise.all(redis.sentinels.map((sentinel) => sentinel.kill()));
  await flock.coordinates("k:0");
  await using late = new ClusterSingleflight({
    redis: redis.options,
    namespace: "flock",
    prefixes: ["k:"],
    wakeup: WAKEUP,
  });
  expect(await late.fly("k:0", () => 1)).toMatchObject({ value: 1, fallbackReason: "unavailable" });
  await Promise.all(redis.sentinels.map((sentinel) => sentinel.restart()));
  await waitUntil(async () => (await late.fly("k:0", () => 1)).role === "leader", {
    timeoutMs: 60_000,
    what: "the late process to coordinate",
  });
});
