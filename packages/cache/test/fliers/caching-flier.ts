/** A process of a deployment with a cache. Run as a child by the tests; never imported. */
import { setTimeout as sleep } from "node:timers/promises";
import { createCache, type CacheEvent, type CacheOptions } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { serveFlier } from "@skein/testkit";

interface Config {
  redis: string;
  options: Partial<CacheOptions>;
}

/** What a process did since it was last asked. */
export interface Tally {
  loads: number;
  answers: number;
  wrong: number;
  events: Record<string, number>;
  /** The longest that a call took. */
  slowestMs: number;
}

await serveFlier<Config>(async ({ redis, options }) => {
  const flights = new ClusterSingleflight({
    redis,
    namespace: "test",
    prefixes: ["k:"],
    maxEntries: 100_000,
    redisTimeoutMs: 20_000,
    breaker: { slowMs: 20_000 },
  });
  const tally: Tally = { loads: 0, answers: 0, wrong: 0, events: {}, slowestMs: 0 };
  const onEvent = (event: CacheEvent): void => {
    const name = event.type === "hit" ? `${event.how} hit` : event.type;
    tally.events[name] = (tally.events[name] ?? 0) + 1;
  };
  const cache = createCache({ flights, ttlMs: 60_000, ttlJitter: 0, observer: { onEvent }, ...options });
  await flights.ready();

  const call = async (key: string, workMs: number): Promise<void> => {
    const startedAt = performance.now();
    const value = await cache.get(key, async () => {
      tally.loads++;
      await sleep(workMs);
      return `value of ${key}`;
    });
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedAt);
    tally.answers++;
    if (value !== `value of ${key}`) tally.wrong++;
  };
  const take = (): Tally => {
    const taken = structuredClone(tally);
    Object.assign(tally, { loads: 0, answers: 0, wrong: 0, events: {}, slowestMs: 0 });
    return taken;
  };
  let steady: Promise<void> | undefined;
  let over = false;
  return {
    /** So many callers, spread evenly over the keys, at once. */
    stampede: async (keys: string[], callers: number, workMs: number): Promise<Tally> => {
      const calls = Array.from({ length: callers }, (_, index) =>
        call(keys[index % keys.length] ?? "", workMs),
      );
      await Promise.all(calls);
      return take();
    },
    /** Asks again and again, `callers` at once, until `stop`. */
    ask: (key: string, callers: number, workMs: number): void => {
      const caller = async (): Promise<void> => {
        while (!over) await call(key, workMs);
      };
      steady = Promise.all(Array.from({ length: callers }, caller)).then(() => undefined);
    },
    take,
    stop: async (): Promise<Tally> => {
      over = true;
      await steady;
      over = false;
      return take();
    },
    close: () => flights.close({ drainMs: 0 }),
  };
});
