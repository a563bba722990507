import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisCluster } from "../src/redis-cluster.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

describe("RedisCluster", () => {
  it("spreads keys over its nodes, found by a client", async () => {
    const client = cluster.client();
    const keys = Array.from({ length: 30 }, (_, index) => `key${index}`);
    for (const key of keys) await client.set(key, key);
    const nodes = new Set(await Promise.all(keys.map((key) => cluster.nodeOf(key))));
    expect(nodes.size).toBe(3);
    expect(await client.get("key7")).toBe("key7");
  });

  it("sends a client on with MOVED", async () => {
    const owner = await cluster.nodeOf("key");
    const stranger = cluster.nodes.find((node) => node !== owner)!;
    const slot = await cluster.slotOf("key");
    await expect(stranger.client().get("key")).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${owner.port}`);
  });

  it("answers ASK and TRYAGAIN while a slot moves, and MOVED afterwards", async () => {
    const [a, b] = ["{moving}a", "{moving}b"];
    const client = cluster.client();
    await client.mset(a, "1", b, "2");
    const from = await cluster.nodeOf(a);
    const to = cluster.nodes.find((node) => node !== from)!;
    const old = from.client();
    const migration = await cluster.beginMigration(a, to);
    expect(migration).toMatchObject({ from, to });
    expect(await old.get(a)).toBe("1");
    await migration.moveKeys(a);
    await expect(old.get(a)).rejects.toThrow("ASK");
    await expect(old.mget(a, b)).rejects.toThrow("TRYAGAIN");
    expect(await client.get(a)).toBe("1");
    await migration.finish();
    await expect(old.get(b)).rejects.toThrow("MOVED");
    expect(await client.mget(a, b)).toStrictEqual(["1", "2"]);
    expect(await cluster.nodeOf(b)).toBe(to);
  });

  it("refuses to move a slot to where it is", async () => {
    await expect(cluster.beginMigration("key", await cluster.nodeOf("key"))).rejects.toThrow(RangeError);
  });
});

describe("a RedisCluster with replicas", () => {
  it("fails over on request and when a primary is killed", async () => {
    await using withReplicas = await RedisCluster.start({ replicas: 1, nodeTimeoutMs: 1_000 });
    const [first, second] = withReplicas.replicas;
    const client = withReplicas.client();
    await client.set("key", "1");
    await withReplicas.failOver(first!);
    await withReplicas.nodes[1]!.kill();
    await withReplicas.untilPrimary(second!);
    expect(await client.get("key")).toBe("1");
  });
});
