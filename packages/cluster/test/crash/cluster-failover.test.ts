/** Nodes of a Redis Cluster die, change roles and hand slots over, while calls go on. */
import { RedisCluster, Recurring, waitUntil } from "@skein/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { flightKeys } from "../../src/flight-keys.ts";
import { Flock } from "../topology/flock.ts";
import { Load } from "../topology/load.ts";

const KEYS = Array.from({ length: 8 }, (_, index) => `k:${index}`);
const { flight, inboxPrefix } = flightKeys({ namespace: "flock", maxKeyBytes: 1_024, hashKeys: false });

let cluster: RedisCluster;

beforeEach(async () => {
  cluster = await RedisCluster.start({ replicas: 1, nodeTimeoutMs: 1_000 });
});
afterEach(() => cluster.stop());

const nodes = (): { cluster: { host: string; port: number }[] } => ({
  cluster: cluster.nodes.map(({ host, port }) => ({ host, port })),
});

async function keyOn(node: number): Promise<string> {
  for (let index = 0; ; index++) {
    const key = `k:on ${node} ${index}`;
    if ((await cluster.nodeOf(flight(key).leaseKey)) === cluster.nodes[node]) return key;
  }
}

async function nodeWithoutListOf(flock: Flock): Promise<number> {
  const busy = await Promise.all(
    flock.members.map(async (member, index) => {
      const { flightId } = await member.fly(`k:of ${index}`, () => 1);
      return cluster.nodeOf(`${inboxPrefix}${flightId.split("-")[1]}`);
    }),
  );
  return cluster.nodes.findIndex((node) => !busy.includes(node));
}

describe("under load no call is lost", () => {
  test("when a primary is killed and its replica takes its place", async () => {
    await using flock = await Flock.start(nodes(), 3);
    const [victim] = cluster.nodes;
    const [heir] = cluster.replicas;
    if (victim === undefined || heir === undefined) throw new Error("no nodes");
    const [there, elsewhere] = [await keyOn(0), await keyOn(1)];
    const load = new Load(flock.members, [...KEYS, there, elsewhere]);
    await waitUntil(() => load.calls > 300, { what: "some calls" });
    await victim.kill();
    await cluster.untilPrimary(heir);
    await flock.coordinates(there);
    await flock.coordinates(elsewhere);
    const report = await load.end();
    expect(report.lost).toEqual([]);
    expect(report.executions).toBeLessThan(report.calls);
  });

  test("when every primary changes places with its replica", async () => {
    await using flock = await Flock.start(nodes(), 3);
    const load = new Load(flock.members, KEYS);
    for (const next of cluster.replicas) {
      const before = load.calls;
      await cluster.failOver(next);
      await waitUntil(() => load.calls > before + 100, { what: "calls after the failover" });
    }
    const { lost } = await load.end();
    expect(lost).toEqual([]);
    await flock.coordinates(KEYS[0] ?? "");
  });

  test("when slots move", async () => {
    await using flock = await Flock.start(nodes(), 3);
    const load = new Load(flock.members, KEYS);
    let moves = 0;
    let tries = 0;
    const moving = Recurring.start(5, async () => {
      const { leaseKey } = flight(KEYS[tries++ % KEYS.length] ?? "");
      try {
        const from = await cluster.nodeOf(leaseKey);
        const to = cluster.nodes.find((node) => node !== from);
        if (to !== undefined) await (await cluster.beginMigration(leaseKey, to)).finish();
        moves++;
      } catch {
        // On a busy machine a primary may be held for dead and replaced, and then takes no orders for a while.
      }
    });
    await waitUntil(() => moves >= 40, { timeoutMs: 150_000, what: "forty slots to move" });
    await moving.stop();
    const report = await load.end();
    expect(report.lost).toEqual([]);
    await flock.coordinates(KEYS[0] ?? "");
  }, 240_000);
});

test("a node that is down costs the keys of other nodes nothing", async () => {
  await using flock = await Flock.start(nodes(), 2);
  // Of three nodes one has neither list, if processes are woken by lists: whose inbox is gone coordinates nothing.
  const victim = await nodeWithoutListOf(flock);
  const [there, elsewhere] = [await keyOn(victim), await keyOn((victim + 1) % 3)];
  // Both nodes of that shard, so that nobody takes over; the others are told to go on without it.
  await Promise.all(
    cluster.servers.map((node) => node.client().config("SET", "cluster-require-full-coverage", "no")),
  );
  await Promise.all([cluster.nodes[victim]?.kill(), cluster.replicas[victim]?.kill()]);
  await waitUntil(async () => (await flock.at(0).fly(there, () => "own")).role === "local", {
    what: "a fallback",
  });
  await flock.coordinates(elsewhere);
  expect((await flock.at(0).fly(there, () => "own")).role).toBe("local");
});

test("an inbox whose node dies moves to another", async () => {
  await using flock = await Flock.start(nodes(), 2);
  const key = await keyOn(1);
  // One of them, or both, listens to one of these.
  for (const index of [0, 2]) {
    const heir = cluster.replicas[index];
    await cluster.nodes[index]?.kill();
    if (heir !== undefined) await cluster.untilPrimary(heir);
    const told = flock.count(0, "woken") + flock.count(1, "woken");
    await flock.coordinates(key);
    expect(flock.count(0, "woken") + flock.count(1, "woken")).toBeGreaterThan(told);
  }
});
