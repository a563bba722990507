/** Entries in a Redis that the flights know nothing of. */
import { createCache, RedisStore, type Cache, type CacheEvent, type CacheOptions } from "@skein/cache";
import { ClusterSingleflight, type ClusterOptions } from "@skein/cluster";
import { Singleflight } from "@skein/core";
import { RedisServer, waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** Where the flights are not. */
const otherRedis = (): Redis => server.client({ db: 1 });

/** What the entry of a key is called there. */
const nameOf = (key: string): string => `skein1:{shop:${key}}:stored`;

test("are shared by processes, and coalesced by the flights", async () => {
  const redis = otherRedis();
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

describe("with secrets, an entry is signed with those of the flights", () => {
  const [OLD, YOUNG] = ["the old secret, 16 bytes", "the young secret, 16 bytes"];
  const open: ClusterSingleflight[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((flights) => flights.close({ drainMs: 0 })));
    await server.flushAll();
  });

  interface Member {
    readonly cache: Cache;
    readonly broken: string[];
    readonly notWritten: string[];
  }

  /** One that need not be connected yet. */
  function member(secrets: string | string[], options: Partial<CacheOptions> = {}): Member {
    const flights = new ClusterSingleflight({
      redis: server.url,
      namespace: "shop",
      prefixes: ["k:"],
      redisTimeoutMs: 5_000,
      secrets,
    });
    open.push(flights);
    return over(flights, options);
  }

  function over(flights: CacheOptions["flights"], options: Partial<CacheOptions> = {}): Member {
    const broken: string[] = [];
    const notWritten: string[] = [];
    const onEvent = (event: CacheEvent): void => {
      if (event.type === "broken") broken.push(event.why);
      if (event.type === "not-written") notWritten.push(event.why);
    };
    const cache = createCache({
      flights,
      ...(flights instanceof ClusterSingleflight
        ? { redis: otherRedis() }
        : { store: new RedisStore(otherRedis(), nameOf) }),
      ttlMs: 60_000,
      storeTimeoutMs: 5_000,
      observer: { onEvent },
      ...options,
    });
    return { cache, broken, notWritten };
  }

  const stored = async (key: string): Promise<Buffer> =>
    (await otherRedis().getBuffer(nameOf(key))) ?? Buffer.alloc(0);
  const put = async (key: string, bytes: Buffer): Promise<unknown> =>
    otherRedis().set(nameOf(key), bytes, "PX", 60_000);

  test("and believed by whoever shares them, a load's as well as one that was set, also at the very start", async () => {
    const [writer, reader] = [member(OLD), member(OLD)];
    expect(await writer.cache.set("k:a", "set")).toBe(true);
    expect(await reader.cache.get("k:a", () => "own")).toBe("set");
    expect(await writer.cache.get("k:b", () => "loaded")).toBe("loaded");
    expect(await reader.cache.get("k:b", () => "own")).toBe("loaded");
    expect(await writer.cache.get("other", () => "of no prefix")).toBe("of no prefix");
    expect(await reader.cache.get("other", () => "own")).toBe("of no prefix");
    expect([...writer.broken, ...reader.broken]).toEqual([]);
  });

  test("of two changes in one go the later one comes later, also at the very start", async () => {
    const { cache } = member(OLD);
    await Promise.all([cache.set("k:a", "first"), cache.delete("k:a")]);
    expect(await stored("k:a")).toHaveLength(0);
    await Promise.all([cache.set("k:a", "second"), cache.delete("k:a"), cache.set("k:a", "third")]);
    expect(await cache.get("k:a", () => "own")).toBe("third");
  });

  test("one that nobody signed is a counted miss, and is replaced by one that is signed", async () => {
    const { cache, broken } = member(OLD);
    await over(new Singleflight()).cache.set("k:a", "poison");
    expect(await cache.get("k:a", () => "true")).toBe("true");
    expect(broken).toEqual(["signature", "signature"]);
    expect(await cache.get("k:a", () => "never")).toBe("true");
    expect(await over(new Singleflight()).cache.get("k:a", () => "never")).toBe("true");
  });

  test("so is one with another secret, of another key, or with another ending, value or kind", async () => {
    const { cache, broken } = member(OLD, { staleMs: 1_000 });
    const foreign = member(YOUNG);
    await cache.set("k:a", "mine");
    await cache.set("k:b", "of another key");
    await foreign.cache.set("k:c", "of another secret");
    const mine = await stored("k:a");
    const changed = (from: string | RegExp, to: string): Buffer => {
      const [, head = "", payload = ""] =
        /^(.*)\n(.*)$/su.exec(mine.toString("latin1").replace(from, to)) ?? [];
      const [, signed = "", signature = ""] = /^(.*) \S+ (\S+)$/u.exec(head) ?? [];
      return Buffer.from(`${signed} ${crc32(payload, crc32(signed)).toString(36)} ${signature}\n${payload}`);
    };
    expect(changed("", "")).toEqual(mine);
    const forgeries = [
      await stored("k:b"),
      await stored("k:c"),
      changed('"mine"', '"ours"'),
      changed(" 1000 ", " 1 "),
      changed(" value ", " undefined "),
    ];
    for (const [index, forged] of forgeries.entries()) {
      await put("k:a", forged);
      broken.length = 0;
      expect(await cache.get("k:a", () => `load ${index}`)).toBe(`load ${index}`);
      expect(new Set(broken)).toEqual(new Set(["signature"]));
    }
    await put("k:a", mine);
    expect(await cache.get("k:a", () => "never")).toBe("mine");
  });

  test("in rotation all are believed; the first signs", async () => {
    const deploys = [member(OLD), member([OLD, YOUNG]), member([YOUNG, OLD]), member(YOUNG)];
    for (const [index, before] of deploys.entries()) {
      const after = deploys[index + 1];
      if (after === undefined) break;
      await before.cache.set("k:a", `before ${index}`);
      expect(await after.cache.get("k:a", () => "own")).toBe(`before ${index}`);
      await after.cache.set("k:a", `after ${index}`);
      expect(await before.cache.get("k:a", () => "own")).toBe(`after ${index}`);
    }
    expect(await deploys[0]?.cache.get("k:a", () => "own")).toBe("own");
  });

  test("where nobody has been told the server's time, nothing is written and nothing believed", async () => {
    const flights = new ClusterSingleflight({
      redis: "redis://127.0.0.1:1",
      namespace: "shop",
      prefixes: ["k:"],
      redisTimeoutMs: 50,
      secrets: OLD,
    });
    open.push(flights);
    await member(OLD).cache.set("k:a", "signed");
    const { cache, broken, notWritten } = over(flights);
    expect(await cache.get("k:a", () => "own")).toBe("own");
    expect(new Set(broken)).toEqual(new Set(["expired"]));
    expect(notWritten).toEqual(["unavailable"]);
    expect(await cache.set("k:a", "set")).toBe(false);
    expect(await stored("k:a")).toHaveLength(0);
  });
});

describe("their names", () => {
  const open: ClusterSingleflight[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((flights) => flights.close({ drainMs: 0 })));
    await server.flushAll();
  });
  const over = (namespace: string, hashKeys: boolean = false): Cache => {
    const flights = new ClusterSingleflight({ redis: server.url, namespace, prefixes: ["k:"], hashKeys });
    open.push(flights);
    return createCache({ flights, redis: otherRedis(), ttlMs: 60_000, storeTimeoutMs: 5_000 });
  };

  test("are those of one namespace, and hide the key where the flights do", async () => {
    await over("shop").set("k:a", "the shop's");
    expect(await over("blog").get("k:a", () => "the blog's")).toBe("the blog's");
    expect(await over("shop").get("k:a", () => "own")).toBe("the shop's");
    await over("safe", true).set("k:secret", 1);
    expect((await otherRedis().keys("*")).join()).not.toContain("secret");
  });

  test("are different for different keys, also for what UTF-8 cannot tell apart", async () => {
    const caches = [
      over("shop"),
      createCache({ flights: new Singleflight(), redis: otherRedis(), ttlMs: 60_000 }),
    ];
    for (const cache of caches) {
      await cache.set("k\ud800", 1);
      expect(await cache.get("k\ud801", () => 2)).toBe(2);
      expect(await cache.get("k\ud800", () => 2)).toBe(1);
    }
  });
});

describe("a redis that is the one of the flights", () => {
  const named: readonly [string, () => [ClusterOptions["redis"], string | object]][] = [
    ["by the same URL", () => [server.url, server.url]],
    ["by its address", () => [server.url, { host: "localhost", port: server.port }]],
    ["by the very client", () => ((client) => [client, client])(server.client())],
    ["by another client", () => [server.url, server.client()]],
  ];
  afterEach(() => server.flushAll());

  test.each(named)("%s, keeps the entries with the flights", async (_how, sources) => {
    const [own, redis] = sources();
    const flights = new ClusterSingleflight({
      redis: own,
      namespace: "shop",
      prefixes: ["k:"],
      redisTimeoutMs: 5_000,
    });
    const cache = createCache({ flights, redis, ttlMs: 60_000 });
    await flights.ready();
    expect(await cache.get("k:a", () => "loaded")).toBe("loaded");
    await waitUntil(async () => (await server.client().exists("skein1:{shop:k:a}:entry")) === 1, {
      what: "the entry beside the flight",
    });
    expect(await cache.get("k:a", () => "never")).toBe("loaded");
    await flights.close({ drainMs: 0 });
  });

  test("keeps those of keys that are not coordinated beside them, if it is a client", async () => {
    const flights = new ClusterSingleflight({ redis: server.url, namespace: "shop", prefixes: ["k:"] });
    const cache = createCache({ flights, redis: server.client(), ttlMs: 60_000, storeTimeoutMs: 5_000 });
    expect(await cache.get("cold", () => "loaded")).toBe("loaded");
    expect(await cache.get("cold", () => "never")).toBe("loaded");
    expect(await cache.delete("cold")).toBe(true);
    expect(await cache.get("cold", () => "anew")).toBe("anew");
    await flights.close({ drainMs: 0 });
  });

  test("can be named; any other has to be a client, and its address is not shown", async () => {
    const flights = new ClusterSingleflight({ redis: server.url, prefixes: ["k:"] });
    const other = "redis://:canary@127.0.0.1:1";
    for (const redis of [other, { host: "127.0.0.1", port: 1, password: "canary" }]) {
      for (const each of [flights, new Singleflight()]) {
        expect(() => createCache({ flights: each, redis, ttlMs: 1 })).toThrow(
          /"?redis"?.*must be an ioredis client/,
        );
        expect(() => createCache({ flights: each, redis, ttlMs: 1 })).not.toThrow(/canary/);
      }
    }
    await flights.close({ drainMs: 0 });
  });
});
