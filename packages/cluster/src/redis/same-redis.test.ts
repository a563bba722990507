import { Cluster, Redis } from "ioredis";
import { afterAll, expect, test } from "vitest";
import type { RedisSource } from "./cluster-source.ts";
import { isSameRedis } from "./same-redis.ts";

const client = new Redis({ host: "cache.internal", port: 6380, lazyConnect: true });
const cluster = new Cluster([{ host: "node-1", port: 7000 }], { lazyConnect: true });
afterAll(() => cluster.disconnect());

const same: readonly [string, RedisSource, RedisSource][] = [
  ["the same client", client, client],
  ["a client and its address", client, { host: "cache.internal", port: 6380 }],
  ["a URL and its address", "redis://localhost:6380/2", { port: 6380, db: 2 }],
  ["a URL with and one without a password", "redis://:secret@shop:6379", "redis://shop"],
  ["a socket", { path: "/run/redis.sock", db: 0 }, { path: "/run/redis.sock" }],
  [
    "a name that Sentinels know",
    { sentinels: [{ host: "a", port: 1 }, { host: "b" }], name: "shop" },
    { sentinels: [{ host: "b", port: 26_379 }], name: "shop" },
  ],
  ["nodes of a Redis Cluster", cluster, { cluster: ["node-2:7000", "node-1:7000"] }],
];

test.each(same)("%s: the same Redis", (_what, own, other) => {
  expect(isSameRedis(own, other)).toBe(true);
  expect(isSameRedis(other, own)).toBe(true);
});

const others: readonly [string, RedisSource, unknown][] = [
  ["another host", client, { host: "other.internal", port: 6380 }],
  ["another port", client, { host: "cache.internal" }],
  ["another database", "redis://shop/1", "redis://shop/2"],
  [
    "another name at the Sentinels",
    { sentinels: [{ port: 1 }], name: "shop" },
    { sentinels: [{ port: 1 }], name: "blog" },
  ],
  [
    "the same name at other Sentinels",
    { sentinels: [{ host: "a" }], name: "mymaster" },
    { sentinels: [{ host: "z" }], name: "mymaster" },
  ],
  [
    "something used like a client",
    "redis://127.0.0.1:6379",
    { pipeline: () => 1, set: () => 1, del: () => 1 },
  ],
  ["other nodes", cluster, { cluster: ["node-2:7000"] }],
  ["a node alone", cluster, { host: "node-1", port: 7000 }],
  ["nothing", client, null],
  ["no source", client, 7],
  ["what is no URL", client, "cache.internal:6380"],
];

test.each(others)("%s: not known to be the same Redis", (_what, own, other) => {
  expect(isSameRedis(own, other)).toBe(false);
});
