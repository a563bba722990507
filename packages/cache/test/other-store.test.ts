/** Entries in a Redis that the flights know nothing of. */
import { createCache } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

test("are shared by processes, and coalesced by the flights", async () => {
  const redis = server.client();
  const members = Array.from({ length: 2 }, () => {
    const flights = new ClusterSingleflight({ redis: server.url, prefixes: ["k:"], redisTimeoutMs: 5_000 });
    return { flights, cache: createCache({ flights, redis, ttlMs: 60_000 }) };
  });
  await Promise.all(members.map(({ flights }) => flights.ready()));
  let loads = 0;
  const load = async (): Promise<string> => {
    loads++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "value";
  };
  const calls = members.flatMap(({ cache }) => Array.from({ length: 10 }, () => cache.get("k:a", load)));
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["value"]));
  for (const { cache } of members) expect(await cache.get("k:a", load)).toBe("value");
  expect(loads).toBe(1);
  expect(await members[0]!.cache.set("k:a", "set")).toBe(true);
  expect(await members[1]!.cache.get("k:a", load)).toBe("set");
  expect(await members[0]!.cache.delete("k:a")).toBe(true);
  expect(await members[1]!.cache.get("k:a", () => "new")).toBe("new");
  await Promise.all(members.map(({ flights }) => flights.close()));
});
