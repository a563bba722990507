/**
 * cache-stampede over Redis: a mark in place of the value while it is made, polled for every 50 ms. Without `expiry`, with
 * which it does not protect at all; the bare Map in front.
 */
import cacheStampede from "cache-stampede";
import { behindMap } from "../behind-map.ts";
import { POLL_EVERY_MS, type FleetContender } from "../contender.ts";
import { connect } from "../shared-value.ts";

const MAX_RETRIES = 1_000;

export const stampedeCache: FleetContender = {
  name: "cache-stampede",
  configuration: `polled every ${POLL_EVERY_MS} ms, no expiry, behind a Map`,
  async join(url, load) {
    const cache = cacheStampede.redis(await connect(url), {
      retryDelay: POLL_EVERY_MS,
      maxRetries: MAX_RETRIES,
    });
    return behindMap(async (key) => cache.cached(key, () => load(key)));
  },
};
