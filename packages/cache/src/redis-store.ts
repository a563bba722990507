/**
 * Entries in a Redis of the application's, beside flights that know nothing of it. Over the flights of a cluster they are
 * named as those are, for one namespace; otherwise by a prefix. Weaker than entries kept with the
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
  readonly #nameOf: (key: string) => string;

  /** `naming`: what precedes every key, or what a key is called, differently for each. */
  constructor(redis: RedisClient, naming: string | ((key: string) => string) = "skein-cache:") {
    this.#redis = redis;
    this.#nameOf = typeof naming === "string" ? (key) => naming + distinct(key) : naming;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const name = this.#nameOf(key);
    const [read, left] = (await this.#redis.pipeline().getBuffer(name).pttl(name).exec()) ?? [];
    const bytes = read?.[1];
    const leftMs = left?.[1];
    // Without an end it is not of our making.
    if (!Buffer.isBuffer(bytes) || typeof leftMs !== "number" || leftMs <= 0) return undefined;
    return { bytes, leftMs };
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    await this.#redis.set(this.#nameOf(key), value, "PX", ttlMs);
  }

  async delete(key: string): Promise<void> {
    await this.#redis.del(this.#nameOf(key));
  }
}

/** A lone surrogate is not to be had in UTF-8: keys that differ in one would be the same. */
function distinct(key: string): string {
  if (key.isWellFormed()) return key;
  // Which is no beginning of a well-formed key.
  return `\ufffd${Buffer.from(key, "utf16le").toString("hex")}`;
}
