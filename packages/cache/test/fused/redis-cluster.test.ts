/** Fused entries of a fleet of caches whose keys are spread over the nodes of a Redis Cluster. */
import { createCache, type Cache } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { RedisCluster } from "@skein/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

const CACHES = 3;
const KEYS = Array.from({ length: 50 }, (_, index) => `k:${index}`);

let redis: RedisCluster;
let flights: ClusterSingleflight[];
let caches: Cache[];

beforeAll(async () => {
  redis = await RedisCluster.start();
});
beforeEach(async () => {
  await Promise.all(redis.nodes.map((node) => node.flushAll()));
  const cluster = redis.nodes.map(({ host, port }) => ({ host, port }));
  flights = Array.from(
    { length: CACHES },
    () =>
      new ClusterSingleflight({
        redis: { cluster },
        namespace: "test",
        prefixes: ["k:"],
        redisTimeoutMs: 10_000,
      }),
  );
  await Promise.all(flights.map((each) => each.ready()));
  caches = flights.map((each) => createCache({ flights: each, ttlMs: 60_000 }));
});
afterEach(() => Promise.all(flights.map((each) => each.close({ drainMs: 0 }))));
afterAll(() => redis.stop());

function everyoneReads(load: (key: string) => string): Promise<string[][]> {
  return Promise.all(KEYS.map((key) => Promise.all(caches.map((cache) => cache.get(key, () => load(key))))));
}

test("each key is loaded once for all caches, and kept at its node", async () => {
  const loads: string[] = [];
  const load = (key: string): string => {
    loads.push(key);
    return `value of ${key}`;
  };
  const expected = KEYS.map((key) => Array.from({ length: CACHES }, () => `value of ${key}`));
  expect(await everyoneReads(load)).toEqual(expected);
  expect(await everyoneReads(load)).toEqual(expected);
  expect(loads.toSorted()).toEqual(KEYS.toSorted());
  const entries = await Promise.all(redis.nodes.map((node) => node.client().keys("skein1:*:entry")));
  expect(entries.flat()).toHaveLength(KEYS.length);
  expect(entries.every((kept) => kept.length > 0)).toBe(true);
});

test("what one sets or deletes, all others see", async () => {
  await everyoneReads(() => "old");
  const [writer] = caches;
  await Promise.all(
    KEYS.map(async (key, index) => (index % 2 === 0 ? writer?.set(key, "set") : writer?.delete(key))),
  );
  const seen = await everyoneReads(() => "loaded");
  for (const [index, values] of seen.entries()) {
    expect(new Set(values)).toEqual(new Set([index % 2 === 0 ? "set" : "loaded"]));
  }
});
