/**
 * redlock 4 around get-or-load, with a second look under the lock: the usual recipe. The value is read first; who misses it
 * takes the lock, in process coalesced, since nobody would let a thousand callers of one process queue for a lock. Retries
 * every 50 ms with redlock's own kind of jitter, for as long as it takes. `behind a Map` also spares the first reads.
 */
import Redlock from "redlock";
import type { Call, Load } from "../../call.ts";
import { behindMap } from "../behind-map.ts";
import { LOCK_MS, POLL_EVERY_MS, RETRY_JITTER_MS, type FleetContender } from "../contender.ts";
import { connect, SharedValue } from "../shared-value.ts";

export const redlock: FleetContender = {
  name: "redlock + second look",
  configuration: `GET, lock (retried every ${POLL_EVERY_MS} ms), GET again, load, SET`,
  async join(url, load) {
    const { look, lookUnderLock } = await recipe(url, load);
    const locked = behindMap(lookUnderLock);
    return async (key) => (await look(key)) ?? locked(key);
  },
};

export const redlockBehindMap: FleetContender = {
  name: "redlock behind a Map",
  configuration: "the same, one caller per process",
  async join(url, load) {
    const { look, lookUnderLock } = await recipe(url, load);
    return behindMap(async (key) => (await look(key)) ?? lookUnderLock(key));
  },
};

async function recipe(url: string, load: Load): Promise<{ look: Call; lookUnderLock: Call }> {
  const redis = await connect(url);
  const shared = new SharedValue(redis);
  // Its types know the clients of its time only.
  const locks = new Redlock([redis as unknown as Redlock.CompatibleRedisClient], {
    retryCount: -1,
    retryDelay: POLL_EVERY_MS,
    retryJitter: RETRY_JITTER_MS,
  });
  locks.on("clientError", () => undefined);
  return {
    look: (key) => shared.read(key),
    async lookUnderLock(key) {
      const lock = await locks.acquire([`lock:${key}`], LOCK_MS);
      try {
        const cached = await shared.read(key);
        if (cached !== undefined) return cached;
        const value = await load(key);
        await shared.write(key, value);
        return value;
      } finally {
        // A lock that has ended by itself cannot be released; the value is there all the same.
        await lock.unlock().catch(() => undefined);
      }
    },
  };
}
