/**
 * `@skein/cache`: a read-through cache that loads each key once, in this process or in a whole deployment.
 * It is no source of truth: entries may be evicted, end early, or be older than their source by up to their time to live.
 * Freshness is measured by the clock of the store, which is Redis' own where Redis keeps the entries.
 */
export { CachedWorkError, cacheErrorCodes, type CacheErrorCode } from "./errors.ts";
export type { CacheEvent, CacheNews } from "./observer.ts";
export type { CacheCodec, CacheOptions, CacheSchema } from "./options.ts";
export { createCache, type Cache, type GetOptions, type SetOptions } from "./read-through-cache.ts";
export { RedisStore, type RedisClient, type RedisPipeline } from "./redis-store.ts";
export { MemoryStore, type CacheStore, type MemoryStoreOptions, type StoredEntry } from "./store.ts";
