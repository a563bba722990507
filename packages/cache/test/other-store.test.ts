/** Entries in a Redis that the flights know nothing of. */
import { createCache, type Cache, type CacheEvent, type CacheOptions } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { Singleflight } from "@skein/core";
import { RedisServer } from "@skein/testkit";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

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
      redis: server.client(),
      ttlMs: 60_000,
      storeTimeoutMs: 5_000,
      observer: { onEvent },
      ...options,
    });
    return { cache, broken, notWritten };
  }

  const stored = async (key: string): Promise<Buffer> =>
    (await server.client().getBuffer(`skein-cache:${key}`)) ?? Buffer.alloc(0);
  const put = async (key: string, bytes: Buffer): Promise<unknown> =>
    server.client().set(`skein-cache:${key}`, bytes, "PX", 60_000);

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
