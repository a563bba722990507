/** What nodes of a Redis Cluster say instead of an answer, and what becomes of it. */
import { systemClock, systemRandomness } from "@skein/core";
import type { RedisServer } from "@skein/testkit";
import { RedisCluster, waitUntil } from "@skein/testkit";
import type { Cluster } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FlightName } from "../../src/flight-keys.ts";
import type { ClusterServers } from "../../src/redis/cluster-servers.ts";
import { hashSlot } from "../../src/redis/hash-slot.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { bytes, joins, keys, newFlight, renews, settles } from "../contract/contract-fleet.ts";
import { openClusterServers } from "../contract/open-cluster-servers.ts";

const PATIENCE_MS = 20_000;

let cluster: RedisCluster;
let client: Cluster;
let servers: ClusterServers;
let coordinator: RedisCoordinator;

beforeAll(async () => {
  cluster = await RedisCluster.start();
  client = cluster.client();
});
afterEach(() => servers.close());
afterAll(() => cluster.stop());

/** A process that knows where everything is now. */
async function connect(): Promise<void> {
  const redisTimeoutMs = PATIENCE_MS;
  servers = openClusterServers(cluster, {
    redisTimeoutMs,
    heartbeatEveryMs: PATIENCE_MS,
    silenceLimitMs: 4 * PATIENCE_MS,
    clock: systemClock,
    randomness: systemRandomness,
  });
  await waitUntil(() => servers.reachable, { what: "connections to all nodes" });
  const { inboxPrefix } = keys;
  coordinator = new RedisCoordinator({
    servers,
    clock: systemClock,
    processId: "p",
    inboxPrefix,
    transport: "p",
    redisTimeoutMs,
  });
}

async function strangerTo(flight: FlightName): Promise<RedisServer> {
  const home = await cluster.nodeOf(flight.leaseKey);
  const stranger = cluster.nodes.find((node) => node !== home);
  if (stranger === undefined) throw new Error("a cluster of one node");
  return stranger;
}

async function lead(flight: FlightName): Promise<string> {
  const reply = await coordinator.join(joins(flight, "a"));
  if (reply.status !== "lead") throw new Error(`not the leader: ${reply.status}`);
  return reply.token;
}

test("slots are computed as servers do", async () => {
  await connect();
  for (const key of [
    "",
    "a",
    "{a}b",
    "foo{}{bar}",
    "foo{{bar}}zap",
    "ключ",
    ...Array.from({ length: 50 }, String),
  ]) {
    expect(hashSlot(key)).toBe(await cluster.slotOf(key));
  }
});

describe("MOVED", () => {
  test("a flight whose slot has moved goes on where it is now, and is not asked for at the old node again", async () => {
    await connect();
    const flight = newFlight();
    const token = await lead(flight);
    const to = await strangerTo(flight);
    await (await cluster.beginMigration(flight.leaseKey, to)).finish();
    expect(await coordinator.renew(renews(flight, token))).toEqual([{ status: "held", followers: 0 }]);
    expect(servers.of(flight.leaseKey)?.link.redis.options.port).toBe(to.port);
    expect(await coordinator.settle(settles(flight, token))).toMatchObject({ status: "accepted" });
  });

  test("renewals of many flights, some of which have moved, are all made", async () => {
    await connect();
    const flights = Array.from({ length: 30 }, newFlight);
    const tokens = await Promise.all(flights.map(lead));
    const [moved] = flights;
    if (moved === undefined) throw new Error("no flight");
    await (await cluster.beginMigration(moved.leaseKey, await strangerTo(moved))).finish();
    const requests = flights.flatMap((flight, index) => renews(flight, tokens[index] ?? ""));
    const replies = await coordinator.renew(requests);
    expect(replies).toEqual(flights.map(() => ({ status: "held", followers: 0 })));
  });
});

describe("ASK", () => {
  test("a flight whose keys have gone ahead of its slot is found where they are", async () => {
    await connect();
    const flight = newFlight();
    const token = await lead(flight);
    const { entryKey } = flight;
    await client.set(entryKey, "entry", "PX", 60_000);
    const to = await strangerTo(flight);
    const migration = await cluster.beginMigration(flight.leaseKey, to);
    await migration.moveKeys(flight.leaseKey, flight.flightKey, entryKey);
    expect(await coordinator.renew(renews(flight, token))).toEqual([{ status: "held", followers: 0 }]);
    expect(servers.of(flight.leaseKey)?.link.redis.options.port).not.toBe(to.port);
    const entry = { seen: "", staleMs: 0, reads: true };
    expect(await coordinator.join(joins(flight, "b", { entry }))).toMatchObject({
      status: "follow",
      entry: { bytes: bytes("entry") },
    });
    expect(Buffer.from((await coordinator.entries.read(flight, PATIENCE_MS)) ?? []).toString()).toBe("entry");
    // The other node does not know the script yet, or any more: its text goes there with ASKING, too.
    await to.client().script("FLUSH");
    expect(await coordinator.settle(settles(flight, token))).toMatchObject({ status: "accepted", woken: 1 });
    await migration.finish();
    await client.del(entryKey);
  });
});

describe("TRYAGAIN", () => {
  test("a flight that is half on its way is asked for again until it has arrived", async () => {
    await connect();
    const flight = newFlight();
    await lead(flight);
    const migration = await cluster.beginMigration(flight.leaseKey, await strangerTo(flight));
    await migration.moveKeys(flight.leaseKey);
    const joined = coordinator.join(joins(flight, "b"));
    expect(await Promise.race([joined, Promise.resolve("still asking")])).toBe("still asking");
    await migration.finish();
    expect(await joined).toMatchObject({ status: "follow" });
  });

  test("and until the caller's deadline at most, without having done anything", async () => {
    await connect();
    const flight = newFlight();
    await lead(flight);
    const migration = await cluster.beginMigration(flight.leaseKey, await strangerTo(flight));
    await migration.moveKeys(flight.leaseKey);
    await expect(coordinator.join(joins(flight, "b", { withinMs: 100 }))).rejects.toMatchObject({
      kind: "refused",
      serverCode: "TRYAGAIN",
      sent: false,
    });
    await migration.finish();
    expect(await client.hexists(flight.flightKey, "f:p:b")).toBe(0);
  });
});

test("a join that is sent on is judged by the clock of the node that keeps its flight then", async () => {
  await connect();
  const flight = newFlight();
  const from = servers.of(flight.leaseKey);
  const to = await strangerTo(flight);
  const scriptsRun = async (): Promise<number> => {
    const { evalsha, eval: plain } = await to.commandStats();
    return (evalsha?.calls ?? 0) + (plain?.calls ?? 0);
  };
  // This process holds the old node's clock for one that is an hour behind: there, every deadline has passed.
  from?.clock.doubt();
  from?.clock.learn((Date.now() - 3_600_000) * 1_000, systemClock.now());
  await (await cluster.beginMigration(flight.leaseKey, to)).finish();
  const before = await scriptsRun();
  expect(await coordinator.join(joins(flight, "a"))).toMatchObject({ status: "lead" });
  // At once: a join that seemed late would have been sent twice.
  expect(await scriptsRun()).toBe(before + 1);
});

test("each node is taught its scripts again when it has forgotten them", async () => {
  await connect();
  await Promise.all(cluster.nodes.map((node) => node.client().script("FLUSH")));
  const flights = Array.from({ length: 12 }, newFlight);
  const tokens = await Promise.all(flights.map(lead));
  expect(new Set(flights.map(({ leaseKey }) => servers.of(leaseKey))).size).toBe(3);
  await Promise.all(flights.map((flight, index) => coordinator.settle(settles(flight, tokens[index] ?? ""))));
});
