/** A node of a Redis Cluster whose packets are swallowed, which no operating system tells of: its keys, and all others. */
import { RedisCluster, TcpProxy, waitUntil, type RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flightKeys } from "../../src/flight-keys.ts";
import { Flock } from "./flock.ts";
import { Load } from "./load.ts";

const KEYS = Array.from({ length: 12 }, (_, index) => `k:${index}`);

const { flight } = flightKeys({ namespace: "flock", maxKeyBytes: 1_024, hashKeys: false });

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
  "under load no call is lost while a node is silent, and its keys are coordinated again when it answers (%s)",
  async (wakeup) => {
    await using flock = await Flock.start(throughProxies(), 2, { wakeup, redisTimeoutMs: 500 });
    const load = new Load(flock.members, KEYS);
    await waitUntil(() => load.calls > 200, { what: "some calls" });

    const silent = proxyOf(cluster.nodes[0]);
    silent.swallow();
    await waitUntil(() => flock.count(0, "fallback") > 0 && flock.count(1, "fallback") > 0, {
      what: "fallbacks of both",
    });
    const called = load.calls;
    await waitUntil(() => load.calls > called + 500, { what: "more calls" });
    silent.pass();
    const { lost } = await load.end();
    for (const key of KEYS) await flock.coordinates(key);
    expect(lost).toEqual([]);
  },
  120_000,
);

test("meanwhile keys of other nodes are coordinated", async () => {
  await using flock = await Flock.start(throughProxies(), 2);
  const [node] = cluster.nodes;
  const key = await keyNotOn(node);
  proxyOf(node).swallow();
  await flock.coordinates(key);
  proxyOf(node).pass();
}, 60_000);

async function keyNotOn(node: RedisServer | undefined): Promise<string> {
  for (const key of KEYS) if ((await cluster.nodeOf(flight(key).leaseKey)) !== node) return key;
  throw new Error("all keys have their home on one node");
}

function proxyOf(node: RedisServer | undefined): TcpProxy {
  const proxy = proxies[cluster.nodes.findIndex((one) => one === node)];
  if (proxy === undefined) throw new Error("no such node");
  return proxy;
}

/** Each node is reached through a proxy of its own. */
function throughProxies(): {
  cluster: { host: string; port: number }[];
  natMap: Record<string, { host: string; port: number }>;
} {
  const nodes = cluster.nodes.map((node) => {
    const { host, port } = proxyOf(node);
    return [`${node.host}:${node.port}`, { host, port }] as const;
  });
  return { cluster: nodes.map(([, address]) => address), natMap: Object.fromEntries(nodes) };
}
