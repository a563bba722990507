/**
 * `getOrSet` of bentocache over its memory driver alone: no second level, no bus, no serializing, room for exactly the keys
 * in flight, so that the next batch misses.
 */
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import type { InProcessContender } from "../contender.ts";

/** A number: "1h" would be read anew by every call. */
const TTL_MS = 3_600_000;

export const bentocache: InProcessContender = {
  name: "bentocache",
  configuration: "memory only, not serialized, maxItems = keys in flight",
  module: import.meta.url,
  open(load, maxKeys) {
    const store = bentostore().useL1Layer(memoryDriver({ maxItems: maxKeys, serialize: false }));
    const cache = new BentoCache({ default: "memory", stores: { memory: store } });
    return (key) => cache.getOrSet({ key, ttl: TTL_MS, factory: () => load(key) });
  },
};
