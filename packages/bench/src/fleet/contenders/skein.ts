/**
 * Skein with its defaults: `ClusterSingleflight.do`, which keeps nothing but what followers may have missed, and the
 * read-through cache on top of it, which also keeps the value as the recipes do.
 */
import { createCache } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { VALUE_TTL_MS, type FleetContender } from "../contender.ts";

export const skeinFlights: FleetContender = {
  name: "skein",
  configuration: "ClusterSingleflight, defaults",
  async join(redis, load) {
    const flights = new ClusterSingleflight({ redis, prefixes: ["k:"] });
    await flights.ready();
    return (key) => flights.do(key, () => load(key));
  },
};

export const skeinCache: FleetContender = {
  name: "skein cache",
  configuration: "createCache over ClusterSingleflight, defaults",
  async join(redis, load) {
    const flights = new ClusterSingleflight({ redis, prefixes: ["k:"] });
    await flights.ready();
    const cache = createCache({ flights, ttlMs: VALUE_TTL_MS });
    return (key) => cache.get(key, () => load(key));
  },
};
