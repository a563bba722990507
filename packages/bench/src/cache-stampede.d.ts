/** The part of cache-stampede that is used; the package has no types. */
declare module "cache-stampede" {
  import type { Redis } from "ioredis";

  interface Stampede {
    cached(key: string, load: () => Promise<unknown>): Promise<unknown>;
  }
  const cacheStampede: {
    redis(client: Redis, options: { retryDelay: number; maxRetries: number }): Stampede;
  };
  export default cacheStampede;
}
