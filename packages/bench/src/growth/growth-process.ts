/**
 * A process with many coalescers and one Redis, to see what a flight costs as one thing grows and the rest stays. Run as a
 * child, with `--expose-gc`; never imported.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterSingleflight } from "@skein/cluster";
import { serveFlier } from "@skein/testkit";
import { Redis } from "ioredis";
import { keysBytes, redisProcessorMs, scriptCalls } from "../redis-account.ts";
import { spreadOf } from "../sample.ts";
import { Instances, VALUE, type InstanceTimes } from "./instances.ts";

/** Processor time per flight. */
export interface Cost {
  readonly clientUs: number;
  readonly redisUs: number;
}

/** Redis's processor time for each of the scripts that a flight is made of. */
export interface ScriptCosts {
  readonly leaderJoinUs: number;
  readonly followerJoinUs: number;
  /** An outcome that wakes one follower. */
  readonly settleUs: number;
}

/** Flights to be weighed. */
export interface Load {
  readonly flights: number;
  /** Of each flight, in the leader's process and in the follower's. */
  readonly callers: number;
  readonly bytes: number;
}

/** Bytes per flight. */
export interface Weight {
  readonly leaderHeap: number;
  readonly followerHeap: number;
  readonly redis: number;
  /** Of both processes, when all callers are answered. */
  readonly heapAfterwards: number;
  /** While the outcome is retained. */
  readonly redisAfterwards: number;
}

const RETAIN_WEIGHED_MS = 600_000;
const WARM_UP_FLIGHTS = 100;

await serveFlier<{ url: string }>(async ({ url }) => {
  const admin = new Redis(url);
  const instances = new Instances(url);
  const { tally } = instances;

  /** Processor time of `batch`, which makes `flights` of them each time, repeated for `budgetMs`. */
  const costOf = async (flights: number, budgetMs: number, batch: () => Promise<unknown>): Promise<Cost> => {
    const fallbacks = tally.count("fallback");
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
    if (tally.count("fallback") > fallbacks) {
      throw new Error("Redis did not keep up; the figure would be of something else.");
    }
    const total = runs * flights;
    return { clientUs: (user + system) / total, redisUs: (redisMs * 1_000) / total };
  };

  /** One flight that all instances take part in; how long after the end of the work the last is answered. */
  const share = async (count: number, value: string): Promise<number> => {
    const [leader, ...followers] = await instances.upTo(count);
    if (leader === undefined) throw new RangeError("A flight needs an instance.");
    const keys = instances.keys(1);
    const flight = await instances.begin(leader, keys);
    const following = await Promise.all(followers.map((follower) => instances.follow(follower, keys)));
    const endedAt = performance.now();
    const landed = flight.land(value);
    await Promise.all([landed, ...following.map(({ answered }) => answered)]);
    return performance.now() - endedAt;
  };

  const shared = async (
    count: number,
    value: string,
    per: number,
    budgetMs: number,
  ): Promise<Cost & { lastMs: number }> => {
    const lastMs: number[] = [];
    const cost = await costOf(per, budgetMs, async () => void lastMs.push(await share(count, value)));
    return { ...cost, lastMs: spreadOf(lastMs).median };
  };

  /** Redis's processor time per script, while flights are held and `windowMs` pass. */
  const waiting = async (
    flights: number,
    windowMs: number,
    times: { leader?: InstanceTimes; follower?: InstanceTimes },
  ): Promise<number> => {
    const leader = await instances.open(times.leader);
    const keys = instances.keys(flights);
    const flight = await instances.begin(leader, keys);
    const follower = times.follower === undefined ? undefined : await instances.open(times.follower);
    const following = follower === undefined ? undefined : await instances.follow(follower, keys);
    const [spentBefore, callsBefore] = [await redisProcessorMs(admin), await scriptCalls(admin)];
    await sleep(windowMs);
    const [spentMs, calls] = [
      (await redisProcessorMs(admin)) - spentBefore,
      (await scriptCalls(admin)) - callsBefore,
    ];
    await Promise.all([flight.land(VALUE), following?.answered]);
    await Promise.all([leader.close({ drainMs: 0 }), follower?.close({ drainMs: 0 })]);
    return (spentMs * 1_000) / calls;
  };

  /** Flies flights to their end; keeps nothing of them. */
  const weighUnderWay = async (
    leader: ClusterSingleflight,
    follower: ClusterSingleflight,
    keys: readonly string[],
    { callers, bytes }: Load,
  ): Promise<{ led: number; followed: number; redis: number }> => {
    const flight = await instances.begin(leader, keys, callers);
    const led = heapBytes();
    const { answered } = await instances.follow(follower, keys, callers);
    const followed = heapBytes();
    const redis = await keysBytes(admin);
    await Promise.all([flight.land("x".repeat(bytes)), answered]);
    return { led, followed, redis };
  };

  return {
    /** `keys` flights at once, per flight. */
    keys: async (keys: number, budgetMs: number): Promise<Cost> => {
      const flights = await instances.only();
      return costOf(keys, budgetMs, () => instances.lead(flights, instances.keys(keys)));
    },

    /** One flight at a time with so many callers, per flight. */
    callers: async (callers: number, budgetMs: number): Promise<Cost> => {
      const flights = await instances.only();
      return costOf(1, budgetMs, () => instances.lead(flights, instances.keys(1), callers));
    },

    /** One flight at a time in which so many instances take part, per instance. */
    instances: async (count: number, budgetMs: number): Promise<Cost & { lastMs: number }> =>
      shared(count, VALUE, count, budgetMs),

    /** One flight with one follower and an outcome of so many bytes, per flight. */
    bytes: async (bytes: number, budgetMs: number): Promise<Cost & { lastMs: number }> =>
      shared(2, "x".repeat(bytes), 1, budgetMs),

    /** What a read-through cache would spend anyway, `keys` at once, per key. */
    plain: async (count: number, budgetMs: number): Promise<Cost> =>
      costOf(count, budgetMs, () =>
        Promise.all(
          instances.keys(count).map(async (key) => {
            await admin.get(`plain:${key}`);
            await admin.setex(`plain:${key}`, 5, VALUE);
          }),
        ),
      ),

    scripts: async (flights: number): Promise<ScriptCosts> => {
      const [leader, follower] = await instances.upTo(2);
      if (leader === undefined || follower === undefined) throw new Error("unreachable");
      const keys = instances.keys(flights);
      const marks = [await redisProcessorMs(admin)];
      const flight = await instances.begin(leader, keys);
      marks.push(await redisProcessorMs(admin));
      const { answered } = await instances.follow(follower, keys);
      marks.push(await redisProcessorMs(admin));
      await Promise.all([flight.land(VALUE), answered]);
      marks.push(await redisProcessorMs(admin));
      const [leaderJoinUs = 0, followerJoinUs = 0, settleUs = 0] = marks
        .slice(1)
        .map((mark, index) => ((mark - (marks[index] ?? 0)) * 1_000) / flights);
      return { leaderJoinUs, followerJoinUs, settleUs };
    },

    renewal: async (flights: number, windowMs: number): Promise<number> =>
      waiting(flights, windowMs, { leader: { leaseMs: 1_000 } }),

    poll: async (flights: number, windowMs: number): Promise<number> =>
      waiting(flights, windowMs, { follower: { pollEveryMs: 200 } }),

    weigh: async (load: Load): Promise<Weight> => {
      const leader = await instances.open({ retainMs: RETAIN_WEIGHED_MS });
      const follower = await instances.open();
      // Both have done this before: what is compiled and connected on the way is no part of a flight.
      await instances.lead(leader, instances.keys(WARM_UP_FLIGHTS));
      await instances.lead(follower, instances.keys(WARM_UP_FLIGHTS));
      await admin.flushall();
      const { flights } = load;
      const keys = instances.keys(flights);
      const none = heapBytes();
      const { led, followed, redis } = await weighUnderWay(leader, follower, keys, load);
      const afterwards = heapBytes();
      const redisAfterwards = await keysBytes(admin);
      await admin.flushall();
      await Promise.all([leader.close({ drainMs: 0 }), follower.close({ drainMs: 0 })]);
      return {
        leaderHeap: (led - none) / flights,
        followerHeap: (followed - led) / flights,
        redis: redis / flights,
        heapAfterwards: (afterwards - none) / flights,
        redisAfterwards: redisAfterwards / flights,
      };
    },
  };
});

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
