/** A process that leads very many flights keeps all of them. */
import { killSubscribers, RedisServer } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { expect, it } from "vitest";

const LEASES = 10_000;
/** So many joins at once are answered well in time. */
const AT_ONCE = 25;
const LEASE_MS = 5_000;

it("ten thousand leases are renewed without a single one counted as lost", async () => {
  await using redis = await RedisServer.start();
  const events: ClusterEvent[] = [];
  await using flights = new ClusterSingleflight({
    redis: redis.url,
    // Far less than all renewals together take, far more than those of one batch do.
    redisTimeoutMs: 100,
    prefixes: { "k:": { leaseMs: LEASE_MS } },
    breaker: { failures: 1_000 },
    observer: { onEvent: (event) => void (event.type === "lease-lost" && events.push(event)) },
  });
  await flights.ready();
  const ends = Promise.withResolvers<void>();
  const calls: Promise<unknown>[] = [];
  let led = 0;
  for (let from = 0; from < LEASES; from += AT_ONCE) {
    await new Promise<void>((begun) => {
      let missing = AT_ONCE;
      for (let index = from; index < from + AT_ONCE; index++) {
        const work = async (_signal: AbortSignal, { fencingToken }: { fencingToken?: string }) => {
          if (fencingToken !== undefined) led++;
          if (--missing === 0) begun();
          await ends.promise;
        };
        calls.push(flights.do(`k:${index}`, work));
      }
    });
  }
  expect(led).toBeGreaterThan(LEASES / 2);
  // A process without its inbox renews everything at once.
  await killSubscribers(redis.client());
  // Every lease has to be renewed more than once meanwhile.
  const until = performance.now() + 1.5 * LEASE_MS;
  await expect.poll(() => performance.now() > until, { timeout: 60_000, interval: 500 }).toBe(true);
  expect(events).toEqual([]);
  // A lease and a hash for each.
  expect(await redis.client().dbsize()).toBeGreaterThanOrEqual(2 * led);
  ends.resolve();
  await Promise.all(calls);
}, 120_000);
