/** What an application hands over for Redis Cluster, and that nothing happens to it. */
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { RedisCluster, waitUntil } from "@skein/testkit";
import { Cluster } from "ioredis";
import { Cluster as Cluster5 } from "ioredis5";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HeldWork } from "../coalescing/fleet-of-instances.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

const seeds = (): { host: string; port: number }[] => cluster.nodes.map(({ host, port }) => ({ host, port }));

/** The application's own client, of either version and protocol. */
const clients: readonly [string, (options?: { lazyConnect?: boolean }) => Cluster][] = [
  ["ioredis 6 with RESP3", (options) => new Cluster(seeds(), { ...options, redisOptions: own(3) })],
  ["ioredis 6 with RESP2", (options) => new Cluster(seeds(), { ...options, redisOptions: own(2) })],
  // Another major version: the same shape, other types.
  ["ioredis 5", (options) => new Cluster5(seeds(), { ...options }) as unknown as Cluster],
];

function own(protocol: 2 | 3) {
  return { protocol, replyMapping: "legacy" as const, connectionName: "application" };
}

async function connections(name: string): Promise<number> {
  const lists = await Promise.all(cluster.nodes.map((node) => node.client().client("LIST")));
  return lists.join("\n").split(` name=${name} `).length - 1;
}

async function flyTogether(redis: ClusterOptions["redis"]): Promise<readonly string[]> {
  let followers = 0;
  const observer = { onEvent: ({ type }: ClusterEvent) => void (followers += type === "follow" ? 1 : 0) };
  const options = { namespace: "application", prefixes: ["k:"], redisTimeoutMs: 10_000, observer };
  const fleet = [1, 2].map(() => new ClusterSingleflight({ redis, ...options }));
  await Promise.all(fleet.map((flights) => flights.ready()));
  const work = new HeldWork<number>();
  const flights = fleet.map((member) => member.fly("k:1", work.run));
  await waitUntil(() => followers === 1, { what: "a follower" });
  work.end(1);
  const results = await Promise.all(flights);
  // One connection per node with slots, and the inbox.
  expect(await connections("skein")).toBe(2 * (cluster.nodes.length + 1));
  await Promise.all(fleet.map((member) => member.close()));
  return results.map(({ role }) => role).toSorted();
}

describe.each(clients)("a Cluster client of %s", (_name, make) => {
  test("is neither used nor changed nor closed", async () => {
    const client = make();
    client.on("error", () => undefined);
    await client.set("here", "yes");
    const before = { ...client.options };
    const events = client.eventNames().map((event) => [event, client.listenerCount(event)]);
    const nodes = client.nodes("all").length;
    const calls = client.nodes("master").map((node) => node.listenerCount("message"));

    expect(await flyTogether(client)).toEqual(["follower", "leader"]);

    await waitUntil(async () => (await connections("skein")) === 0, { what: "our connections to be closed" });
    expect({ ...client.options }).toEqual(before);
    expect(client.status).toBe("ready");
    expect(client.eventNames().map((event) => [event, client.listenerCount(event)])).toEqual(events);
    expect(client.nodes("all")).toHaveLength(nodes);
    expect(client.nodes("master").map((node) => node.listenerCount("message"))).toEqual(calls);
    expect(client.nodes("master").map((node) => node.mode)).not.toContain("subscriber");
    await expect(client.get("here")).resolves.toBe("yes");
    client.disconnect();
  });

  test("may be lazy: ours connect all the same, and it does not", async () => {
    const lazy = make({ lazyConnect: true });
    expect(await flyTogether(lazy)).toEqual(["follower", "leader"]);
    expect(lazy.status).toBe("wait");
  });
});

test.each([
  ["host and port", () => seeds()],
  ["host:port", () => seeds().map(({ host, port }) => `${host}:${port}`)],
  [
    "URLs, one of which cannot be reached",
    () => ["redis://127.0.0.1:1", ...cluster.nodes.map(({ url }) => url)],
  ],
])("nodes may be named by %s", async (_how, name) => {
  expect(await flyTogether({ cluster: name() })).toEqual(["follower", "leader"]);
});
