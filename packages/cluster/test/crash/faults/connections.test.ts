/** Faults of connections: cut, half-open, slow, losing replies, and hosts that vanish. */
import { setTimeout as sleep } from "node:timers/promises";
import { NetworkHost, Recurring, waitUntil } from "@skein/testkit";
import { expect } from "vitest";
import { cutInboxes } from "../../wakeup.ts";
import { FaultFleet } from "./fault-fleet.ts";
import { row, since } from "./row.ts";

/** Of 16 KB each: more than the sockets of both sides take in. */
const OUTCOMES = 600;
/** How long a leader is watched by a follower while answers are late. */
const EXPOSED_MS = 3_000;

const hosts = await NetworkHost.available();
const noHosts = hosts === true ? false : hosts;

row(
  {
    row: 7,
    fault: "the connections on which wake-ups arrive are killed again and again",
    injected: "every 50 ms while the work runs, at leader and follower",
    seen: "the leader is not deposed, and the follower is answered with its outcome",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2 });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1");
    const admin = fleet.redis.client();
    let cuts = 0;
    await using cutting = Recurring.start(50, async () => {
      cuts += await cutInboxes(admin);
    });
    await waitUntil(() => cuts > 60, { what: "many cuts", timeoutMs: 60_000 });
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, role: "leader" });
    expect(await answer).toMatchObject({ ok: true, role: "follower", takeovers: 0 });
    await cutting.stop();
    fleet.holds({ undisturbed: true });
    return `${cuts} connections cut, ${fleet.count(1, "takeover")} takeovers`;
  },
);

for (const [what, matches] of [
  ["join", (text: string) => text.includes("k:1") && text.includes("60000")],
  ["settle", (text: string) => text.includes("skein/1 value")],
] as const) {
  row(
    {
      row: 8,
      fault: `the reply to a ${what} is lost`,
      injected: "a proxy that passes the request on and cuts the connection instead of the reply",
      seen: "nobody waits on itself, and all callers are answered",
    },
    async () => {
      await using fleet = await FaultFleet.start({
        processes: 2,
        proxied: true,
        options: { prefixes: { "k:": { leaseMs: 2_000, abandonMs: 60_000 } } },
      });
      fleet.proxy(0).cutReply((request) => matches(request.toString("latin1")));
      const at = performance.now();
      const own = fleet.call(0, "k:1", { workMs: 200 });
      await waitUntil(() => fleet.flier(0).events.some(({ type }) => type === "work-started"), {
        what: "the work",
        timeoutMs: 30_000,
      });
      const other = fleet.call(1, "k:1", { workMs: 10 });
      expect([(await own).ok, (await other).ok]).toEqual([true, true]);
      expect(fleet.proxy(0).cuts).toBe(1);
      const figure = since(at);
      fleet.holds();
      return `both answered after ${figure}`;
    },
  );
}

row(
  {
    row: 9,
    fault: "half-open connections",
    injected: "a proxy that swallows every byte of the follower's connections, and lets none be made",
    seen: "it is noticed, the follower runs the work itself; when the network is back it is coordinated again",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 2,
      proxied: true,
      options: { redisTimeoutMs: 250 },
    });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
    const at = performance.now();
    fleet.proxy(1).swallow();
    expect(await answer).toMatchObject({ ok: true, role: "local" });
    const figure = since(at);
    fleet.proxy(1).pass();
    fleet.proxy(1).reset();
    await fleet.coordinated(1);
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true });
    fleet.holds();
    return `answered after ${figure}`;
  },
);

row(
  {
    row: 10,
    fault: "the leader's host vanishes",
    injected: "its network namespace drops everything both ways, and then the process is killed",
    seen: "NUMSUB goes on saying that it listens; its lease or beat tells, and a follower takes over",
    impossible: noHosts,
  },
  async () => {
    await using host = await NetworkHost.create();
    const options = { prefixes: { "k:": { leaseMs: 2_000 } } };
    await using fleet = await FaultFleet.start({
      processes: 2,
      options,
      server: { bind: [host.machineAddress] },
      redisOf: (index, redis) => `redis://${index === 0 ? host.machineAddress : redis.host}:${redis.port}`,
      prefixOf: (index) => (index === 0 ? host.prefix : []),
    });
    await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
    const at = performance.now();
    await host.drop();
    await fleet.kill(0);
    const admin = fleet.redis.client();
    const channels = (await admin.pubsub("CHANNELS", "*")) as string[];
    expect(await answer).toMatchObject({ ok: true, role: "leader", takeovers: 1 });
    const figure = since(at);
    fleet.holds();
    return `lease of 2 s, ${channels.length} inboxes listened to: answered after ${figure}`;
  },
);

row(
  {
    row: 13,
    fault: "latency with jitter",
    injected: "50 to 250 ms added each way, differently for each piece of data",
    seen: "coordinated all the same, and no live leader is taken for dead",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 2,
      proxied: true,
      options: { redisTimeoutMs: 5_000 },
    });
    for (const proxy of fleet.proxies) proxy.delay({ ms: 50, jitterMs: 200 });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1");
    // So many renewals and polls are late.
    await sleep(EXPOSED_MS);
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, role: "leader" });
    expect(await answer).toMatchObject({ ok: true, role: "follower", takeovers: 0 });
    for (const index of [0, 1]) expect(fleet.count(index, "takeover")).toBe(0);
    fleet.holds({ undisturbed: true });
    return "0 takeovers";
  },
);

row(
  {
    row: 14,
    fault: "connections are reset",
    injected: "every connection of every process, every 300 ms, under load",
    seen: "every call is answered with what some execution of its key produced",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 3,
      proxied: true,
      options: { redisTimeoutMs: 250 },
    });
    let resets = 0;
    await using resetting = Recurring.start(300, () => {
      for (const proxy of fleet.proxies) resets += proxy.reset();
    });
    let calls = 0;
    while (resets < 40) {
      const round = fleet.fliers.flatMap((_, index) =>
        Array.from({ length: 5 }, (__, key) => fleet.call(index, `k:${key}`, { workMs: 20 })),
      );
      const told = await Promise.all(round);
      calls += told.length;
      expect(told.every(({ ok }) => ok)).toBe(true);
    }
    await resetting.stop();
    for (const index of [0, 1, 2]) await fleet.coordinated(index);
    fleet.holds();
    return `${resets} resets, ${calls} calls, 0 lost`;
  },
);

row(
  {
    row: 15,
    fault: "one process is parted from Redis, and healed",
    injected: "its network namespace drops everything both ways while it leads; then it heals",
    seen: "a follower takes over; the parted one answers its caller, its late outcome is fenced, and it is coordinated again",
    impossible: noHosts,
  },
  async () => {
    await using host = await NetworkHost.create();
    const options = { redisTimeoutMs: 250, prefixes: { "k:": { leaseMs: 1_000 } } };
    await using fleet = await FaultFleet.start({
      processes: 2,
      options,
      server: { bind: [host.machineAddress] },
      redisOf: (index, redis) => `redis://${index === 0 ? host.machineAddress : redis.host}:${redis.port}`,
      prefixOf: (index) => (index === 0 ? host.prefix : []),
    });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
    const at = performance.now();
    await host.drop();
    expect(await answer).toMatchObject({ ok: true, role: "leader" });
    const figure = since(at);
    expect(await fleet.call(0, "k:other", { workMs: 1 })).toMatchObject({ ok: true, role: "local" });
    await host.heal();
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, role: "leader" });
    await fleet.coordinated(0);
    fleet.holds();
    return `follower answered after ${figure}`;
  },
);

/** Long enough for a follower to sleep through everything and still find it. */
const ASLEEP = { "k:": { retainMs: 60_000, leaseMs: 30_000, waitTimeoutMs: 60_000 } };

row(
  {
    row: 23,
    fault: "the output buffer of a follower that does not read overflows",
    injected:
      "SIGSTOP of the follower, then 16 KB outcomes until the server disconnects it at 64 KB; SIGCONT",
    seen: "the server drops it, and it finds its outcome by joining again",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 2,
      options: { wakeup: "pubsub", prefixes: ASLEEP },
    });
    const admin = fleet.redis.client();
    await admin.config("SET", "client-output-buffer-limit", "pubsub 65536 65536 0");
    const answered = await sleepThroughOutcomes(fleet, async () => {
      // Of the two inboxes only the leader's is left.
      const dropped = async (): Promise<boolean> =>
        String(await admin.call("CLIENT", "LIST", "TYPE", "pubsub"))
          .trim()
          .split("\n").length === 1;
      await waitUntil(dropped, { what: "an overflow", timeoutMs: 60_000 });
    });
    return `${answered} of ${OUTCOMES} answered`;
  },
);

row(
  {
    row: 23,
    fault: "the list of a follower that does not read fills up",
    injected: "SIGSTOP of the follower, then 16 KB outcomes by the hundred; SIGCONT",
    seen: "the list holds some of them and pointers to the others, and the follower finds all outcomes",
  },
  async () => {
    await using fleet = await FaultFleet.start({
      processes: 2,
      options: { wakeup: "list", prefixes: ASLEEP },
    });
    const [, inbox = ""] = await fleet.inboxes();
    const admin = fleet.redis.client();
    let bytes = 0;
    const answered = await sleepThroughOutcomes(fleet, async () => {
      // The pop that was under way has taken one.
      await waitUntil(async () => (await admin.llen(inbox)) >= OUTCOMES - 1, {
        what: "wake-ups in the list",
        timeoutMs: 60_000,
      });
      bytes = Number(await admin.memory("USAGE", inbox, "SAMPLES", 0));
      expect(bytes).toBeLessThan(2 * 1024 * 1024);
      expect(await admin.pttl(inbox)).toBeLessThanOrEqual(10_000);
    });
    return `${Math.round(bytes / 1024)} KiB held, ${answered} of ${OUTCOMES} answered`;
  },
);

/** Process 1 follows flights of process 0, and is stopped when they settle. Says how many it was answered, rightly. */
async function sleepThroughOutcomes(fleet: FaultFleet, meanwhile: () => Promise<void>): Promise<number> {
  const keys = Array.from({ length: OUTCOMES }, (_, index) => `k:${index}`);
  const before = fleet.count(0, "lead");
  const led = keys.map((key) => fleet.call(0, key, { held: true, value: key.padEnd(16_000, ".") }));
  await waitUntil(() => fleet.count(0, "lead") === before + keys.length, {
    what: "the leaders",
    timeoutMs: 60_000,
  });
  const followed = keys.map((key) => fleet.call(1, key));
  await waitUntil(() => fleet.count(1, "follow") === keys.length, {
    what: "the followers",
    timeoutMs: 60_000,
  });
  fleet.pause(1);
  await fleet.release(0);
  await Promise.all(led);
  await meanwhile();
  fleet.resume(1);
  const told = await Promise.all(followed);
  expect(told.every(({ ok }) => ok)).toBe(true);
  expect(told.map(({ value }) => value)).toEqual(keys.map((key) => key.padEnd(16_000, ".")));
  fleet.holds();
  return told.length;
}
