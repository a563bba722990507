/** A value in Redis that several contenders share: read it, or write what was loaded. A value is never null. */
import { Redis } from "ioredis";
import { VALUE_TTL_MS } from "./contender.ts";

export class SharedValue {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async read(key: string): Promise<unknown> {
    const text = await this.#redis.get(`value:${key}`);
    return text === null ? undefined : (JSON.parse(text) as { value: unknown }).value;
  }

  async write(key: string, value: unknown): Promise<void> {
    await this.#redis.set(`value:${key}`, JSON.stringify({ value }), "PX", VALUE_TTL_MS);
  }
}

/** What a cautious application sets. */
export interface Caution {
  readonly commandTimeout: number;
  readonly maxRetriesPerRequest: number;
  readonly enableOfflineQueue: boolean;
}

/** A client as an application would make it, connected. */
export async function connect(url: string, caution?: Caution): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, ...caution });
  // What fails is seen where it is asked for.
  redis.on("error", () => undefined);
  await redis.connect();
  return redis;
}
