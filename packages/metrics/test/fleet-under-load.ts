/** Two instances of a service on one Redis, each with a cache, a registry and an endpoint, doing everything once. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createCache, type Cache, type CacheEvent } from "@skein/cache";
import { ClusterSingleflight, type ClusterOptions } from "@skein/cluster";
import { PrometheusObserver } from "@skein/metrics";
import { RedisServer, waitUntil } from "@skein/testkit";
import { Registry } from "prom-client";

const PREFIXES = {
  "user:": { leaseMs: 500, renewEveryMs: 50, maxAgeMs: 1_000, waitTimeoutMs: 2_000 },
  "report:": { inlineMaxBytes: 0, maxOutcomeBytes: 1_000 },
  "shadow:": { shadow: true },
  "cached:": {},
  "limited:": { maxFallbackConcurrency: 1 },
} as const satisfies ClusterOptions["prefixes"];

/** In keys, values and errors: must not turn up anywhere. */
export const CANARY = "canary-7f3a";

class Instance {
  readonly registry: Registry = new Registry();
  readonly flights: ClusterSingleflight;
  readonly cache: Cache;
  readonly #server: Server;
  #follows = 0;
  #written = 0;
  #refreshes = 0;

  constructor(redisUrl: string) {
    const observer = new PrometheusObserver({ registry: this.registry, prefixes: Object.keys(PREFIXES) });
    const follows = {
      onEvent: ({ type }: { type: string }): void => {
        if (type === "follow" || type === "shadow-saved") this.#follows++;
      },
    };
    this.flights = new ClusterSingleflight({
      redis: redisUrl,
      namespace: "metrics",
      prefixes: PREFIXES,
      maxKeyBytes: 100,
      exposeKeys: true,
      observer: [observer, follows],
    });
    const writes = {
      onEvent: ({ type }: CacheEvent): void => {
        if (type === "written") this.#written++;
        if (type === "refresh") this.#refreshes++;
      },
    };
    this.cache = createCache({
      flights: this.flights,
      ttlMs: 60_000,
      staleMs: 60_000,
      maxEntryBytes: 1_000,
      observer: [observer, writes],
    });
    this.#server = createServer((_request, response) => {
      this.registry.metrics().then(
        (text) => response.setHeader("content-type", this.registry.contentType).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  get follows(): number {
    return this.#follows;
  }

  /** A miss, a hit, an entry past its time that is renewed, and a value that is too large to be kept. */
  async useCache(key: string): Promise<void> {
    const before = this.#written;
    await this.cache.get(key, () => "small");
    await waitUntil(() => this.#written > before, { what: "an entry" });
    await this.cache.get(key, () => "other");
    await this.cache.get(`${key}:huge`, () => "x".repeat(5_000));
    const refreshes = this.#refreshes;
    await waitUntil(
      async () => {
        await this.cache.get(`${key}:brief`, () => "brief", { ttlMs: 1 });
        return this.#refreshes > refreshes;
      },
      { what: "a renewal" },
    );
  }

  get target(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async open(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    await this.flights.ready();
  }

  async close(): Promise<void> {
    await this.flights.close({ drainMs: 0 });
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export class FleetUnderLoad implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #instances: readonly [Instance, Instance];
  #rounds = 0;

  private constructor(redis: RedisServer, instances: readonly [Instance, Instance]) {
    this.redis = redis;
    this.#instances = instances;
  }

  static async start(): Promise<FleetUnderLoad> {
    const redis = await RedisServer.start();
    const instances = [new Instance(redis.url), new Instance(redis.url)] as const;
    await Promise.all(instances.map((instance) => instance.open()));
    return new FleetUnderLoad(redis, instances);
  }

  get targets(): readonly string[] {
    return this.#instances.map(({ target }) => target);
  }

  /** What the endpoints serve. */
  async expositions(): Promise<readonly string[]> {
    return Promise.all(this.targets.map(async (target) => (await fetch(`http://${target}/metrics`)).text()));
  }

  /** Leaders and followers, values and errors, small and large outcomes, shadow, cold keys, refused calls. */
  async round(): Promise<void> {
    const round = this.#rounds++;
    await this.#shared(`user:${CANARY}:${round}`, () => "small");
    await this.#shared(`user:${CANARY}:error:${round}`, () => {
      throw new Error(CANARY);
    });
    await this.#shared(`report:${CANARY}:${round}`, () => "x".repeat(500));
    await this.#shared(`report:${CANARY}:huge:${round}`, () => "x".repeat(5_000));
    await this.#shared(`shadow:${CANARY}:${round}`, () => "shadow");
    const [one] = this.#instances;
    await one.useCache(`cached:${CANARY}:${round}`);
    await one.flights.do(`cold:${CANARY}:${round}`, () => 1);
    await one.flights.do("x".repeat(101), () => 1).catch(() => undefined);
    const slow = Promise.withResolvers<number>();
    await one.flights
      .do(`user:${CANARY}:slow:${round}`, () => slow.promise, { timeoutMs: 1 })
      .catch(() => undefined);
    slow.resolve(1);
  }

  /** The leader goes away while the other follows, and the work outlives `maxAgeMs`. */
  async takeover(): Promise<void> {
    const [one, two] = this.#instances;
    const never = Promise.withResolvers<number>();
    const led = one.flights.do(`user:${CANARY}:hung`, () => never.promise);
    const before = two.follows;
    const followed = two.flights.do(`user:${CANARY}:hung`, () => 2);
    await waitUntil(() => two.follows > before, { what: "a follower" });
    await followed;
    never.resolve(1);
    await led;
  }

  /** Redis hangs, then goes away; calls go on, one of them one too many. */
  async fallBack(): Promise<void> {
    const [one] = this.#instances;
    await this.redis.pause();
    await one.flights.do(`user:${CANARY}:unanswered`, () => 1);
    await this.redis.kill();
    await one.flights.do(`user:${CANARY}:alone`, () => 1);
    const held = Promise.withResolvers<number>();
    const running = one.flights.do(`limited:${CANARY}:1`, () => held.promise);
    await one.flights.do(`limited:${CANARY}:2`, () => 2).catch(() => undefined);
    held.resolve(1);
    await running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.close()));
    await this.redis.stop();
  }

  /** One instance leads, the other follows, and each has two callers. In shadow mode either may be the one: work does not wait. */
  async #shared(key: string, work: () => unknown): Promise<void> {
    const [one, two] = this.#instances;
    const follows = (): number => one.follows + two.follows;
    const before = follows();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const gated = async (): Promise<unknown> => {
      begun.resolve();
      await gate.promise;
      return work();
    };
    const led = [one.flights.do(key, gated), one.flights.do(key, gated)];
    await begun.promise;
    const followed = [two.flights.do(key, gated), two.flights.do(key, gated)];
    const outcomes = Promise.allSettled([...led, ...followed]);
    await waitUntil(() => follows() > before, { what: `a follower of ${key}` });
    gate.resolve();
    await outcomes;
  }
}
