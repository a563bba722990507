/** A node of a Redis Cluster whose packets are swallowed, which no operating system tells of: its keys, and all others. */
import { RedisCluster, TcpProxy, waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Flock } from "./flock.ts";
import { Load } from "./load.ts";

const KEYS = Array.from({ length: 12 }, (_, index) => `k:${index}`);

let cluster: RedisCluster;
let proxies: readonly TcpProxy[];

beforeAll(async () => {
  cluster = await RedisCluster.start();
  proxies = await Promise.all(cluster.nodes.map(({ port }) => TcpProxy.start({ targetPort: port })));
});
afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  await cluster.stop();
});

test.each(["pubsub", "list"] as const)(
  "under load no call is lost while a node is silent, other nodes' keys are coordinated, and its own are again when it answers (%s)",
  async (wakeup) => {
    const [silent] = proxies;
    if (silent === undefined) throw new Error("a cluster of no node");
    await using flock = await Flock.start(throughProxies(), 2, { wakeup, redisTimeoutMs: 500 });
    const load = new Load(flock.members, KEYS);
    await waitUntil(() => load.calls > 200);

    silent.swallow();
    await waitUntil(() => flock.count(0, "fallback") > 0 && flock.count(1, "fallback") > 0);
    const called = load.calls;
    await waitUntil(() => load.calls > called + 500);
    silent.pass();
    for (const key of KEYS) await flock.coordinates(key);

    const report = await load.end();
    expect(report.lost).toEqual([]);
    // A third of the keys has its home there.
    const coordinated = report.calls - Object.values(report.fallbacks).reduce((sum, count) => sum + count, 0);
    expect(coordinated).toBeGreaterThan(report.calls / 3);
  },
  60_000,
);

/** Each node is reached through a proxy of its own. */
function throughProxies(): {
  cluster: { host: string; port: number }[];
  natMap: Record<string, { host: string; port: number }>;
} {
  const nodes = cluster.nodes.map(({ host, port }, index) => {
    const proxy = proxies[index];
    if (proxy === undefined) throw new Error("a node without a proxy");
    return [`${host}:${port}`, { host: proxy.host, port: proxy.port }] as const;
  });
  return { cluster: nodes.map(([, address]) => address), natMap: Object.fromEntries(nodes) };
}
