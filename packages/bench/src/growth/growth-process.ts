/**
 * A process with many coalescers and one Redis, to see what a flight costs as one thing grows and the rest stays. Run as a
 * child, with `--expose-gc`; never imported.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { serveFlier, waitUntil } from "@skein/testkit";
import { Redis } from "ioredis";
import { keysBytes, redisProcessorMs } from "../redis-account.ts";

/** Processor time per flight. */
export interface Cost {
  readonly clientUs: number;
  readonly redisUs: number;
}

export interface Weight {
  readonly heapBytes: number;
  readonly redisBytes: number;
}

/** Whatever is asked of it, this Redis is only busy. */
const REDIS_TIMEOUT_MS = 60_000;
/** A renewal, a poll or a takeover is not to come in between, except where it is what is measured. */
const LONG_MS = 600_000;
const MAX_POLL_EVERY_MS = 60_000;
const VALUE = "x".repeat(200);

await serveFlier<{ url: string }>(async ({ url }) => {
  const admin = new Redis(url);
  const counts = { follow: 0, settled: 0, fallback: 0 };
  const observer = {
    onEvent({ type }: ClusterEvent): void {
      if (type === "follow") counts.follow++;
      if (type === "settle-accepted") counts.settled++;
      if (type === "fallback") counts.fallback++;
    },
  };
  const open = async (leaseMs = LONG_MS): Promise<ClusterSingleflight> => {
    const flights = new ClusterSingleflight({
      redis: url,
      prefixes: { "k:": { leaseMs, maxAgeMs: LONG_MS, waitTimeoutMs: 2 * LONG_MS } },
      maxEntries: 1_000_000,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      pollEveryMs: MAX_POLL_EVERY_MS,
      observer,
    });
    await flights.ready();
    return flights;
  };
  const members: ClusterSingleflight[] = [];
  const membersUpTo = async (count: number): Promise<readonly ClusterSingleflight[]> => {
    while (members.length < count) members.push(await open());
    return members.slice(0, count);
  };
  const only = async (): Promise<ClusterSingleflight> => {
    const [first] = await membersUpTo(1);
    if (first === undefined) throw new Error("unreachable");
    return first;
  };
  let batches = 0;

  /** Processor time of `batch`, which makes `flights` of them each time, repeated for `budgetMs`. */
  const costOf = async (flights: number, budgetMs: number, batch: () => Promise<unknown>): Promise<Cost> => {
    counts.fallback = 0;
    const redisBefore = await redisProcessorMs(admin);
    const before = process.cpuUsage();
    const endsAt = performance.now() + budgetMs;
    let runs = 0;
    do {
      await batch();
      runs++;
    } while (performance.now() < endsAt);
    const { user, system } = process.cpuUsage(before);
    const redisMs = (await redisProcessorMs(admin)) - redisBefore;
    if (counts.fallback > 0) throw new Error("Redis did not keep up; the figure would be of something else.");
    const total = runs * flights;
    return { clientUs: (user + system) / total, redisUs: (redisMs * 1_000) / total };
  };

  /** Flights that this process leads, all at once, and their settlements. */
  const lead = async (flights: ClusterSingleflight, keys: number, callers = 1): Promise<void> => {
    const batch = ++batches;
    const before = counts.settled;
    const calls: Promise<string>[] = [];
    for (let key = 0; key < keys; key++) {
      for (let caller = 0; caller < callers; caller++) {
        calls.push(flights.do(`k:${batch}:${key}`, () => VALUE));
      }
    }
    await Promise.all(calls);
    await waitUntil(() => counts.settled >= before + keys, {
      what: "the settlements",
      everyMs: 1,
      timeoutMs: REDIS_TIMEOUT_MS,
    });
  };

  /** One flight under way with everybody else as a follower; resolves when all follow. */
  const follow = async (
    [leader, ...followers]: readonly ClusterSingleflight[],
    keys: number,
  ): Promise<{ land: (value: string) => void; answers: Promise<unknown> }> => {
    const batch = ++batches;
    const outcome = Promise.withResolvers<string>();
    let begun = 0;
    const before = counts.follow;
    const callAll = (
      flights: ClusterSingleflight | undefined,
      work: () => Promise<string>,
    ): Promise<unknown>[] =>
      Array.from({ length: keys }, async (_, key) => flights?.do(`k:${batch}:${key}`, work));
    const calls = callAll(leader, () => {
      begun++;
      return outcome.promise;
    });
    await waitUntil(() => begun === keys, { what: "the leader", everyMs: 1, timeoutMs: REDIS_TIMEOUT_MS });
    for (const follower of followers) calls.push(...callAll(follower, async () => "own"));
    await waitUntil(() => counts.follow === before + keys * followers.length, {
      what: "the followers",
      everyMs: 1,
      timeoutMs: REDIS_TIMEOUT_MS,
    });
    return { land: outcome.resolve, answers: Promise.all(calls) };
  };

  return {
    /** `keys` flights at once, per flight. */
    keys: async (keys: number, budgetMs: number): Promise<Cost> => {
      const flights = await only();
      return costOf(keys, budgetMs, () => lead(flights, keys));
    },

    /** One flight at a time with so many callers, per flight. */
    callers: async (callers: number, budgetMs: number): Promise<Cost> => {
      const flights = await only();
      return costOf(1, budgetMs, () => lead(flights, 1, callers));
    },

    /** One flight at a time in which so many instances take part, per instance; and how long the last waits for its answer. */
    instances: async (instances: number, budgetMs: number): Promise<Cost & { lastMs: number }> => {
      const fleet = await membersUpTo(instances);
      const lastMs: number[] = [];
      const cost = await costOf(instances, budgetMs, async () => {
        const { land, answers } = await follow(fleet, 1);
        const endedAt = performance.now();
        land(VALUE);
        await answers;
        lastMs.push(performance.now() - endedAt);
      });
      return {
        ...cost,
        lastMs: lastMs.toSorted((a, b) => a - b)[Math.floor(lastMs.length / 2)] ?? Number.NaN,
      };
    },

    /** One flight with one follower and an outcome of so many bytes, per flight; and how long the follower waits for it. */
    bytes: async (bytes: number, budgetMs: number): Promise<Cost & { lastMs: number }> => {
      const fleet = await membersUpTo(2);
      const value = "x".repeat(bytes);
      const lastMs: number[] = [];
      const cost = await costOf(1, budgetMs, async () => {
        const { land, answers } = await follow(fleet, 1);
        const endedAt = performance.now();
        land(value);
        await answers;
        lastMs.push(performance.now() - endedAt);
      });
      return {
        ...cost,
        lastMs: lastMs.toSorted((a, b) => a - b)[Math.floor(lastMs.length / 2)] ?? Number.NaN,
      };
    },

    /** What a read-through cache would spend anyway, `keys` at once, per key. */
    plain: async (keys: number, budgetMs: number): Promise<Cost> =>
      costOf(keys, budgetMs, async () => {
        const batch = ++batches;
        await Promise.all(
          Array.from({ length: keys }, async (_, key) => {
            await admin.get(`plain:${batch}:${key}`);
            await admin.setex(`plain:${batch}:${key}`, 5, VALUE);
          }),
        );
      }),

    /** Redis, per renewal of a lease: flights are held while time passes. */
    renewal: async (flights: number, windowMs: number): Promise<number> => {
      const leaseMs = 1_000;
      const leader = await open(leaseMs);
      const { land, answers } = await follow([leader], flights);
      const before = await redisProcessorMs(admin);
      await sleep(windowMs);
      const spentMs = (await redisProcessorMs(admin)) - before;
      land(VALUE);
      await answers;
      await leader.close({ drainMs: 0 });
      return (spentMs * 1_000) / ((flights * windowMs) / (leaseMs / 5));
    },

    /** Flights that are held: what one of them weighs when this process leads it, and what it leaves behind in Redis. */
    weigh: async (flights: number): Promise<{ led: Weight; retainedRedisBytes: number }> => {
      const leader = await only();
      await lead(leader, flights);
      await admin.flushall();
      const heapBefore = heapBytes();
      const { land, answers } = await follow([leader], flights);
      const led = {
        heapBytes: (heapBytes() - heapBefore) / flights,
        redisBytes: (await keysBytes(admin)) / flights,
      };
      const before = counts.settled;
      land(VALUE);
      await answers;
      await waitUntil(() => counts.settled >= before + flights, { what: "the settlements", everyMs: 1 });
      return { led, retainedRedisBytes: (await keysBytes(admin)) / flights };
    },
  };
});

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
