/**
 * Entries in a Redis of the application's, beside flights that know nothing of it. Weaker than entries kept with the
 * flights: a load that is under way in another process while a key is set or deleted may still be written.
 */
import type { CacheStore, StoredEntry } from "./store.ts";

/** The part of an ioredis client that is used. */
export interface RedisClient {
  pipeline(): RedisPipeline;
  set(key: string, value: Buffer, px: "PX", ttlMs: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

export interface RedisPipeline {
  getBuffer(key: string): RedisPipeline;
  pttl(key: string): RedisPipeline;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

export class RedisStore implements CacheStore {
  readonly #redis: RedisClient;
  readonly #prefix: string;

  /** `prefix` precedes every key. */
  constructor(redis: RedisClient, prefix: string = "skein-cache:") {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const name = this.#prefix + key;
    const [read, left] = (await this.#redis.pipeline().getBuffer(name).pttl(name).exec()) ?? [];
    const bytes = read?.[1];
    const leftMs = left?.[1];
    // Without an end it is not of our making.
    if (!Buffer.isBuffer(bytes) || typeof leftMs !== "number" || leftMs <= 0) return undefined;
    return { bytes, leftMs };
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    await this.#redis.set(this.#prefix + key, value, "PX", ttlMs);
  }

  async delete(key: string): Promise<void> {
    await this.#redis.del(this.#prefix + key);
  }
}
