/** forget(): how long it may take, and what it is worth while Redis does not answer. */
import { RedisServer, waitUntil } from "@skein/testkit";
import { ClusterSingleflight } from "@skein/cluster";
import { expect, it } from "vitest";
import { HeldWork } from "./fleet-of-instances.ts";

it("on a hung Redis forget takes effect here at once, and waits for nothing said before", async () => {
  await using redis = await RedisServer.start();
  const prefixes = { "k:": { leaseMs: 60_000, maxAgeMs: 50_000 } };
  await using flights = new ClusterSingleflight({ redis: redis.url, redisTimeoutMs: 500, prefixes });
  await flights.ready();
  const [settled, held] = [new HeldWork<string>(), new HeldWork<string>()];
  const calls = [flights.do("k:settled", settled.run), flights.do("k:held", held.run)];
  await Promise.all([settled.begun, held.begun]);
  await redis.pause();
  // Its settlement is repeated for as long as the lease could matter.
  settled.end("v");
  await calls[0];
  const askedAt = performance.now();
  expect(await Promise.all(["k:settled", "k:held", "k:none"].map((key) => flights.forget(key)))).toEqual([
    false,
    true,
    false,
  ]);
  expect(performance.now() - askedAt).toBeLessThan(20_000);
  const next = await flights.fly("k:held", () => "next");
  expect(next).toMatchObject({ value: "next" });
  held.end("old");
  expect(await calls[1]).toBe("old");
  await redis.resume();
});

it("forget waits for a connection that is being made, and is heard before the next call", async () => {
  await using redis = await RedisServer.start();
  const options = { redis: redis.url, redisTimeoutMs: 10_000, prefixes: { "k:": { freshMs: 5_000 } } };
  await using other = new ClusterSingleflight(options);
  expect(await other.do("k:1", () => "old")).toBe("old");
  await waitUntil(async () => (await other.fly("k:1", () => "none")).value === "old", { what: "retention" });
  await using flights = new ClusterSingleflight(options);
  const forgotten = flights.forget("k:1");
  expect(await flights.do("k:1", () => "new")).toBe("new");
  expect(await forgotten).toBe(true);
});
