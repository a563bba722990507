/** Several processes with a cache, on a Redis of their own. */
import type { CacheOptions } from "@skein/cache";
import { Flier, RedisServer } from "@skein/testkit";
import type { Tally } from "./caching-flier.ts";

const SCRIPT = new URL("caching-flier.ts", import.meta.url);

export class Deployment implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly fliers: readonly Flier[];

  private constructor(redis: RedisServer, fliers: readonly Flier[]) {
    this.redis = redis;
    this.fliers = fliers;
  }

  static async start(processes: number, options: Partial<CacheOptions> = {}): Promise<Deployment> {
    const redis = await RedisServer.start();
    try {
      const config = { redis: redis.url, options };
      const fliers = await Promise.all(Array.from({ length: processes }, () => Flier.start(SCRIPT, config)));
      return new Deployment(redis, fliers);
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  /** Every process at once. */
  each(method: string, ...args: readonly unknown[]): Promise<Tally[]> {
    return Promise.all(this.fliers.map((flier) => flier.call<Tally>(method, ...args)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.fliers.map((flier) => flier.stop()));
    await this.redis.stop();
  }
}

export function sum(tallies: readonly Tally[], count: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + count(tally), 0);
}
