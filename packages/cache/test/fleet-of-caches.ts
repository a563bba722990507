/** Several caches in this process, each over flights with connections and an identity of its own, as processes have. */
import { createCache, type Cache, type CacheEvent, type CacheOptions } from "@skein/cache";
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { RedisServer, waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { TripCounter } from "./trip-counter.ts";

export interface Member {
  readonly cache: Cache;
  readonly flights: ClusterSingleflight;
  readonly events: CacheEvent[];
  readonly clusterEvents: ClusterEvent[];
  readonly trips: TripCounter;
}

export class FleetOfCaches implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly admin: Redis;
  readonly members: Member[] = [];

  private constructor(redis: RedisServer) {
    this.redis = redis;
    this.admin = redis.client();
  }

  static async start(
    count: number,
    options: Partial<CacheOptions> = {},
    cluster: Partial<ClusterOptions> = {},
  ): Promise<FleetOfCaches> {
    const fleet = new FleetOfCaches(await RedisServer.start());
    await Promise.all(Array.from({ length: count }, () => fleet.join(options, cluster)));
    return fleet;
  }

  async join(options: Partial<CacheOptions> = {}, cluster: Partial<ClusterOptions> = {}): Promise<Member> {
    const trips = await TripCounter.before(this.redis.port);
    const events: CacheEvent[] = [];
    const clusterEvents: ClusterEvent[] = [];
    const flights = new ClusterSingleflight({
      redis: trips.url,
      namespace: "test",
      prefixes: ["k:"],
      // The machine may be busy; nothing here is about slow servers.
      redisTimeoutMs: 5_000,
      pollEveryMs: 60_000,
      observer: { onEvent: (event) => void clusterEvents.push(event) },
      ...cluster,
    });
    const cache = createCache({
      flights,
      ttlMs: 60_000,
      ttlJitter: 0,
      observer: { onEvent: (event) => void events.push(event) },
      ...options,
    });
    await flights.ready();
    const member = { cache, flights, events, clusterEvents, trips };
    this.members.push(member);
    return member;
  }

  at(index: number): Member {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  entryKey(key: string): string {
    return `skein1:{test:${key}}:entry`;
  }

  /** The scripts are known to the server, and nothing of that counts. */
  async warm(): Promise<void> {
    for (const { cache, trips, events, clusterEvents } of this.members) {
      await cache.delete("k:warm");
      await cache.get("k:warm", () => 0);
      await waitUntil(() => events.some(({ type }) => type === "written"));
      events.length = 0;
      clusterEvents.length = 0;
      trips.take();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ flights }) => flights.close({ drainMs: 0 })));
    for (const { trips } of this.members) await trips[Symbol.asyncDispose]();
    await this.redis.stop();
  }
}

/** A loader that counts, and ends when told to. */
export class HeldLoader<T> {
  readonly #outcome = Promise.withResolvers<T>();
  readonly #begun = Promise.withResolvers<void>();
  loads = 0;

  readonly load = (): Promise<T> => {
    this.loads++;
    this.#begun.resolve();
    return this.#outcome.promise;
  };

  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  end(value: T): void {
    this.#outcome.resolve(value);
  }

  fail(error: Error): void {
    this.#outcome.reject(error);
  }
}
