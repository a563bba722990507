/** async-cache-dedupe with `ttl: 0`, its default and its way of not caching: a flight is forgotten when it lands. */
import { createCache } from "async-cache-dedupe";
import type { InProcessContender } from "../contender.ts";

export const asyncCacheDedupe: InProcessContender = {
  name: "async-cache-dedupe",
  configuration: "ttl 0, in-memory, keys as they are",
  module: import.meta.url,
  open(load) {
    const cache = createCache({ ttl: 0 }).define("load", load);
    return (key) => cache.load(key);
  },
};
