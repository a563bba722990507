/** Trouble with the cache is a counted miss, and Redis away is a load without one. */
import { createCache, type CacheEvent } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { RedisServer, waitUntil } from "@skein/testkit";
import { expect, test } from "vitest";
import * as z from "zod";
import { FleetOfCaches, HeldLoader } from "../fleet-of-caches.ts";

test("a damaged entry is a counted miss, whichever byte is damaged, and is replaced", async () => {
  await using fleet = await FleetOfCaches.start(1);
  const { cache, events } = fleet.at(0);
  await cache.set("k:a", { some: "value" });
  const entryKey = fleet.entryKey("k:a");
  const sound = (await fleet.admin.getBuffer(entryKey)) ?? Buffer.alloc(0);
  // The time of writing is the script's own, and nothing depends on it.
  const from = sound.indexOf(" ", sound.indexOf(" ") + 1) + 1;
  for (let index = from; index < sound.length; index += 3) {
    const damaged = Buffer.from(sound);
    damaged[index] = (damaged[index] ?? 0) ^ 1;
    await fleet.admin.set(entryKey, damaged, "PX", 60_000);
    events.length = 0;
    expect(await cache.get("k:a", () => `load ${index}`)).toBe(`load ${index}`);
    expect(events.filter(({ type }) => type === "miss" || type === "broken").length).toBeGreaterThan(0);
    await waitUntil(() => events.some(({ type }) => type === "written"));
    expect(await cache.get("k:a", () => "never")).toBe(`load ${index}`);
  }
});

test("something of another type in the place of an entry is a counted miss, coalesced, and replaced", async () => {
  await using fleet = await FleetOfCaches.start(2);
  for (const { cache } of fleet.members) expect(await cache.get("k:a", () => "first")).toBe("first");
  const entryKey = fleet.entryKey("k:a");
  const { events } = fleet.at(0);
  // Its caller is answered before that: only who knows of an entry finds its absence unexpected.
  await waitUntil(() => events.some(({ type }) => type === "written"), { what: "the entry to be written" });
  await fleet.admin.multi().del(entryKey).rpush(entryKey, "a list").pexpire(entryKey, 60_000).exec();
  events.length = 0;
  const loader = new HeldLoader();
  const calls = fleet.members.map(({ cache }) => cache.get("k:a", loader.load));
  await loader.begun;
  loader.end("anew");
  expect(await Promise.all(calls)).toEqual(["anew", "anew"]);
  expect(loader.loads).toBe(1);
  expect(events).toContainEqual({ keyPrefix: "k:", type: "miss", unexpected: true });
  await waitUntil(async () => (await fleet.admin.type(entryKey)) === "string", { what: "an entry again" });
});

test("with secrets, an entry that nobody signed for its key is a counted miss, and is replaced", async () => {
  await using fleet = await FleetOfCaches.start(2, {}, { secrets: "a secret of the deployment" });
  const [writer, reader] = [fleet.at(0), fleet.at(1)];
  await writer.cache.set("k:a", "signed");
  expect(await reader.cache.get("k:a", () => "never")).toBe("signed");
  await writer.cache.set("k:b", "of another key");
  const other = (await fleet.admin.getBuffer(fleet.entryKey("k:b"))) ?? Buffer.alloc(0);
  const unsigned = Buffer.from(other.toString("latin1").replace(/ \S+\n"/, ' -\n"'), "latin1");
  for (const [index, forged] of [other, unsigned].entries()) {
    await fleet.admin.set(fleet.entryKey("k:a"), forged, "PX", 60_000);
    reader.events.length = 0;
    expect(await reader.cache.get("k:a", () => `load ${index}`)).toBe(`load ${index}`);
    expect(reader.events).toContainEqual({ keyPrefix: "k:", type: "broken", why: "signature" });
    await waitUntil(() => reader.events.some(({ type }) => type === "written"));
    expect(await writer.cache.get("k:a", () => "never")).toBe(`load ${index}`);
  }
});

test("with secrets, what is set before the first connection is up is signed in its time as well", async () => {
  await using redis = await RedisServer.start();
  await using flights = new ClusterSingleflight({
    redis: redis.url,
    prefixes: ["k:"],
    redisTimeoutMs: 5_000,
    secrets: "a secret of the deployment",
  });
  const events: CacheEvent[] = [];
  const observer = { onEvent: (event: CacheEvent) => void events.push(event) };
  const cache = createCache({ flights, ttlMs: 60_000, observer });
  expect(await cache.set("k:a", "set")).toBe(true);
  expect(await cache.get("k:a", () => "loaded")).toBe("set");
  expect(events.filter(({ type }) => type === "broken")).toEqual([]);
});

test("a value that does not satisfy the schema is a counted miss; one that does is what the schema makes of it", async () => {
  await using fleet = await FleetOfCaches.start(1, { schema: z.object({ n: z.coerce.number() }) });
  const { cache, events } = fleet.at(0);
  await cache.set("k:a", { n: "7" });
  expect(await cache.get("k:a", () => ({ n: 0 }))).toEqual({ n: 7 });
  await cache.set("k:a", { m: 7 });
  expect(await cache.get("k:a", () => ({ n: 1 }))).toEqual({ n: 1 });
  expect(events).toContainEqual({ keyPrefix: "k:", type: "broken", why: "schema" });
});

test("keys of other prefixes are coalesced, and not kept", async () => {
  await using fleet = await FleetOfCaches.start(1);
  const { cache, events } = fleet.at(0);
  expect(await cache.get("other", () => 1)).toBe(1);
  expect(await cache.get("other", () => 2)).toBe(2);
  expect(await cache.set("other", 3)).toBe(false);
  expect(events).toEqual([
    { keyPrefix: "other", type: "bypass" },
    { keyPrefix: "other", type: "bypass" },
  ]);
});

test("a load whose lease ran out answers its callers and is not written", async () => {
  await using fleet = await FleetOfCaches.start(1, {}, { prefixes: { "k:": { leaseMs: 500 } } });
  const { cache } = fleet.at(0);
  const blocking = (): string => {
    const until = performance.now() + 800;
    while (performance.now() < until) {
      // Nothing else runs in this process, renewals neither.
    }
    return "late";
  };
  expect(await cache.get("k:a", blocking)).toBe("late");
  await waitUntil(() => fleet.at(0).clusterEvents.some(({ type }) => type === "settle-accepted"));
  expect(await fleet.admin.exists(fleet.entryKey("k:a"))).toBe(0);
});

test("a write to a Redis that hangs is given up in time, whatever else about the key waits for an answer", async () => {
  await using redis = await RedisServer.start();
  await using flights = new ClusterSingleflight({
    redis: redis.url,
    prefixes: { "k:": { leaseMs: 60_000 } },
    redisTimeoutMs: 300,
  });
  const cache = createCache({ flights, ttlMs: 60_000 });
  await flights.ready();
  const held = new HeldLoader<string>();
  const loading = cache.get("k:a", held.load);
  await held.begun;
  await redis.pause();
  held.end("value");
  expect(await loading).toBe("value");
  // The settlement is repeated for a lease; a write would wait behind it.
  const startedAt = performance.now();
  expect(await cache.delete("k:a")).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await redis.resume();
  await waitUntil(
    async () => (await cache.set("k:a", "new")) && (await cache.get("k:a", () => "newer")) === "new",
  );
});

test("without Redis every call is a load, coalesced in its process, and nothing throws", async () => {
  const redis = await RedisServer.start();
  await using flights = new ClusterSingleflight({ redis: redis.url, prefixes: ["k:"], redisTimeoutMs: 200 });
  const cache = createCache({ flights, ttlMs: 60_000 });
  await flights.ready();
  expect(await cache.get("k:a", () => "before")).toBe("before");
  await redis.stop();
  let loads = 0;
  const load = (): number => ++loads;
  const answers = await Promise.all(Array.from({ length: 100 }, () => cache.get("k:b", load)));
  expect(new Set(answers)).toEqual(new Set([1]));
  expect(await cache.get("k:a", () => "after")).toBe("after");
  expect(await cache.set("k:a", 1)).toBe(false);
  expect(await cache.delete("k:a")).toBe(false);
});

test("a key that is no string is refused by name, as the flights refuse it", async () => {
  await using fleet = await FleetOfCaches.start(1);
  const { cache } = fleet.at(0);
  for (const call of [cache.get(7 as never, () => 1), cache.set(7 as never, 1), cache.delete(7 as never)]) {
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT", argument: "key" });
  }
});
