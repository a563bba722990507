/**
 * `fetch` of lru-cache: a cache that coalesces its misses. It has room for exactly the keys in flight and no time to live,
 * so that the next batch, which has other keys, misses: what is measured is the miss. Without `ttl`, `status` or `context`
 * it does the least it can.
 */
import { LRUCache } from "lru-cache";
import type { InProcessContender } from "../contender.ts";

export const lruCache: InProcessContender = {
  name: "lru-cache fetch",
  configuration: "max = keys in flight, no ttl",
  module: import.meta.url,
  open(load, maxKeys) {
    const cache = new LRUCache<string, object>({
      max: maxKeys,
      fetchMethod: load,
    });
    return (key) => cache.fetch(key);
  },
};
