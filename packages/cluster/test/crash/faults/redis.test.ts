/** Faults of Redis: gone, hung, failed over, with another time, without scripts, memory or rights. */
import {
  addUser,
  evictEverything,
  exhaustMemory,
  flushScripts,
  freezeServer,
  promote,
  RedisCluster,
  RedisServer,
  Recurring,
  relieveMemory,
  SkewedClock,
  startReplica,
  TcpProxy,
  waitUntil,
} from "@skein/testkit";
import { expect } from "vitest";
import { loginOn } from "../../topology/redis-topology.ts";
import { FaultFleet } from "./fault-fleet.ts";
import { row, since } from "./row.ts";

const clocks = await SkewedClock.available();

row(
  {
    row: 11,
    fault: "Redis is killed and comes back empty",
    injected: "kill -9 of the server while a flight is under way, then a new server on its port",
    seen: "all callers are answered, the breaker opens and closes, and calls are coordinated again",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: { redisTimeoutMs: 250 } });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
    await fleet.losingData(() => fleet.redis.kill());
    const first = await fleet.call(0, "k:first", { workMs: 1 });
    expect(first).toMatchObject({ ok: true, role: "local" });
    expect(await answer).toMatchObject({ ok: true, role: "local" });
    const later = await fleet.call(0, "k:later");
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, role: "leader" });
    await fleet.restartRedis();
    for (const index of [0, 1]) await fleet.coordinated(index);
    fleet.holds();
    return `first call ${Math.round(first.tookMs)} ms, a later one ${later.tookMs.toFixed(1)} ms`;
  },
);

row(
  {
    row: 12,
    fault: "Redis hangs",
    injected: "SIGSTOP of the server for 2 s under calls of new keys",
    seen: "calls are bounded by redisTimeoutMs, and late joins leave no lease",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 1, options: { redisTimeoutMs: 250 } });
    await fleet.coordinated(0);
    const admin = fleet.redis.client();
    const frozen = freezeServer(fleet.redis, 2_000);
    const told = await Promise.all(
      Array.from({ length: 20 }, (_, index) => fleet.call(0, `k:hung-${index}`, { workMs: 5 })),
    );
    expect(told.every(({ ok, role }) => ok && role === "local")).toBe(true);
    await frozen;
    await fleet.coordinated(0);
    expect(await admin.keys("*hung*:lease")).toEqual([]);
    fleet.holds();
    return `slowest call ${Math.round(Math.max(...told.map(({ tookMs }) => tookMs)))} ms`;
  },
);

row(
  {
    row: 16,
    fault: "failover to a replica that had not seen the lease",
    injected: "a replica behind a proxy that holds everything back is promoted, and the fleet led to it",
    seen: "a second execution is allowed; the old outcome is refused, and all callers are answered",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 2,
      proxied: true,
      options: { redisTimeoutMs: 500, prefixes: { "k:": { leaseMs: 2_000 } } },
    });
    await using between = await TcpProxy.start({ targetPort: fleet.redis.port });
    await using replica = await startReplica({ host: between.host, port: between.port });
    between.hold();
    const { answer: own } = await fleet.lead(0, "k:1");
    await fleet.losingData(async () => {
      await promote(replica);
      // Rights are not replicated.
      await loginOn(replica);
      await fleet.redis.kill();
    });
    // The address of the primary is the replica's now.
    await Promise.all(fleet.proxies.map((proxy) => proxy.stop()));
    const led = await Promise.all(
      fleet.proxies.map(({ port }) => TcpProxy.start({ targetPort: replica.port, port })),
    );
    await fleet.coordinated(1);
    const other = await fleet.call(1, "k:1", { workMs: 10 });
    expect(other).toMatchObject({ ok: true });
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, role: "leader" });
    await waitUntil(() => fleet.count(0, "settle-fenced") + fleet.count(0, "settle-lost") > 0, {
      what: "the end of the old flight",
      timeoutMs: 30_000,
    });
    fleet.holds();
    await Promise.all(led.map((proxy) => proxy.stop()));
    return `${fleet.count(0, "settle-fenced")} fenced`;
  },
);

row(
  {
    row: 17,
    fault: "the server has become a replica (READONLY)",
    injected: "REPLICAOF under load, and back",
    seen: "calls run locally instead of trying without end, and are coordinated again afterwards",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 1, options: { redisTimeoutMs: 250 } });
    await using other = await RedisServer.start();
    await fleet.coordinated(0);
    const admin = fleet.redis.client();
    await fleet.losingData(async () => {
      await admin.replicaof(other.host, other.port);
      const told = await Promise.all(Array.from({ length: 10 }, (_, index) => fleet.call(0, `k:${index}`)));
      expect(told.every(({ ok, role }) => ok && role === "local")).toBe(true);
      await admin.replicaof("NO", "ONE");
    });
    await fleet.coordinated(0);
    fleet.holds();
    return "10 of 10 answered";
  },
);

for (const [jump, ms] of [
  ["30 s forward", 30_000],
  ["an hour back", -3_600_000],
] as const) {
  row(
    {
      row: 18,
      fault: `the server's clock jumps ${jump}`,
      injected:
        "a library preloaded into the server shifts its clock while a flight is under way, and its leader stops, whose inbox stays",
      seen: "at most one extra execution, and a dead leader is replaced within a lease of the follower's own clock",
      impossible: clocks === true ? false : clocks,
    },
    async () => {
      await using clock = await SkewedClock.create();
      const options = { prefixes: { "k:": { leaseMs: 2_000 } } };
      await using fleet = await FaultFleet.start({ processes: 2, options, server: { env: clock.env } });
      const { answer: own } = await fleet.lead(0, "k:1");
      const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
      const jumps = async (): Promise<void> => clock.shift(ms);
      // Forward is past the end of everything: what Redis knew of the flight is gone, its leader and its follower included.
      await (ms > 0 ? fleet.losingData(jumps) : jumps());
      const at = performance.now();
      fleet.pause(0);
      expect(await answer).toMatchObject({ ok: true, role: "leader" });
      const figure = since(at);
      expect(performance.now() - at).toBeLessThan(20_000);
      fleet.resume(0);
      await fleet.until(0, "settle-fenced");
      await fleet.release(0);
      await own;
      fleet.holds();
      return `replaced after ${figure}`;
    },
  );
}

row(
  {
    row: 19,
    fault: "scripts are flushed all the time",
    injected: "SCRIPT FLUSH every 5 ms under load",
    seen: "no caller sees it",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: { redisTimeoutMs: 5_000 } });
    const admin = fleet.redis.client();
    let flushes = 0;
    await using flushing = Recurring.start(5, async () => {
      await flushScripts(admin);
      flushes++;
    });
    let answered = 0;
    for (let round = 0; round < 40; round++) {
      const told = await Promise.all(
        [0, 1].flatMap((index) =>
          Array.from({ length: 3 }, (_, key) => fleet.call(index, `k:${round}-${key}`, { workMs: 10 })),
        ),
      );
      expect(told.every(({ ok, role }) => ok && role !== "local")).toBe(true);
      answered += told.length;
    }
    await flushing.stop();
    fleet.holds({ undisturbed: true });
    return `${flushes} flushes, ${answered} of ${answered} answered`;
  },
);

for (const [how, inflict] of [
  ["flushed", (fleet: FaultFleet) => fleet.redis.flushAll()],
  ["evicted", (fleet: FaultFleet) => evictEverything(fleet.redis.client())],
] as const) {
  row(
    {
      row: 20,
      fault: `everything is ${how}`,
      injected: how === "flushed" ? "FLUSHALL while a flight is under way" : "maxmemory with allkeys-lru",
      seen: "all callers are answered; the lease is lost or kept, and said so",
    },
    async () => {
      await using fleet = await FaultFleet.start({
        processes: 2,
        options: { redisTimeoutMs: 5_000, prefixes: { "k:": { leaseMs: 1_000 } } },
      });
      const { answer: own } = await fleet.lead(0, "k:1");
      const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
      await fleet.losingData(() => inflict(fleet));
      expect(await answer).toMatchObject({ ok: true });
      await fleet.release(0);
      expect(await own).toMatchObject({ ok: true, role: "leader" });
      await fleet.until(0, "settle-fenced");
      fleet.holds();
      return "all answered";
    },
  );
}

row(
  {
    row: 21,
    fault: "Redis is full and does not evict",
    injected: "maxmemory 1 while a flight is under way",
    seen: "new joins fall back; the flight under way still settles, and its follower is answered with its outcome",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: { redisTimeoutMs: 5_000 } });
    const admin = fleet.redis.client();
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1");
    await exhaustMemory(admin);
    expect(await fleet.call(1, "k:new", { workMs: 1 })).toMatchObject({ ok: true, role: "local" });
    await fleet.release(0);
    const [led, followed] = [await own, await answer];
    expect([led.role, followed.role]).toEqual(["leader", "follower"]);
    expect(followed.value).toBe(led.value);
    await relieveMemory(admin);
    await fleet.coordinated(1);
    fleet.holds();
    return "outcome delivered";
  },
);

for (const [right, options] of [
  ["eval", {}],
  ["hset", {}],
  // Each is needed by one way of waking only.
  ["publish", { wakeup: "pubsub" }],
  ["lpush", { wakeup: "list" }],
] as const) {
  row(
    {
      row: 22,
      fault: `a user without the right to ${right.toUpperCase()}`,
      injected: `ACL SETUSER … -${right}`,
      seen: "the right is named at start, calls run locally at once, and nothing half-written is left",
    },
    async () => {
      await using redis = await RedisServer.start();
      const admin = redis.client();
      await addUser(admin, "app", "secret", "~skein1:*", "&skein1:*", "+@all", `-${right}`);
      await using fleet = await FaultFleet.start({
        processes: 1,
        options,
        redisOf: () => ({ host: redis.host, port: redis.port, username: "app", password: "secret" }),
      });
      await fleet.until(0, "capabilities");
      expect(JSON.stringify(fleet.eventsOf(0, "capabilities"))).toContain(`+${right}`);
      const told = await fleet.call(0, "k:1");
      expect(told).toMatchObject({ ok: true, role: "local", fallbackReason: "refused" });
      expect(await admin.dbsize()).toBe(0);
      fleet.holds();
      return `answered after ${Math.round(told.tookMs)} ms`;
    },
  );
}

row(
  {
    row: 26,
    fault: "slots move under load (MOVED, ASK, TRYAGAIN)",
    injected: "the slots of all keys go from node to node of a Redis Cluster of three",
    seen: "every call is answered within its deadline, and nobody is told of it",
  },
  async () => {
    await using cluster = await RedisCluster.start({ nodeTimeoutMs: 15_000 });
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    await using fleet = await FaultFleet.start({
      processes: 2,
      options: { redisTimeoutMs: 5_000 },
      redisOf: () => ({ cluster: nodes }),
    });
    await fleet.coordinated(0);
    const keys = ["k:0", "k:1", "k:2", "k:3"];
    let answered = 0;
    let moves = 0;
    while (moves < 24) {
      const calls = [0, 1].flatMap((index) => keys.map((key) => fleet.call(index, key, { workMs: 20 })));
      const tag = `{test:${keys[moves % keys.length] ?? ""}}`;
      const home = await cluster.nodeOf(tag);
      const target = cluster.nodes[(cluster.nodes.indexOf(home) + 1) % cluster.nodes.length];
      if (target !== undefined) await (await cluster.beginMigration(tag, target)).finish();
      moves++;
      const told = await Promise.all(calls);
      expect(told.every(({ ok }) => ok)).toBe(true);
      answered += told.length;
    }
    fleet.holds();
    return `${moves} slots moved, ${answered} of ${answered} answered`;
  },
);
