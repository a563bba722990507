/**
 * SET NX and poll: who gets the lock loads, the others look for the value every 50 ms, with jitter so that they do not march
 * in step, and try for the lock again when it is gone. In process coalesced after the first read; `behind a Map` before it.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Load } from "../../call.ts";
import { behindMap } from "../behind-map.ts";
import { LOCK_MS, POLL_EVERY_MS, RETRY_JITTER_MS, type FleetContender } from "../contender.ts";
import { connect, SharedValue } from "../shared-value.ts";

const UNLOCK = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0';

export const polling: FleetContender = {
  name: "SET NX + poll",
  configuration: `GET, SET NX, load, SET; the others GET every ${POLL_EVERY_MS} ms`,
  async join(url, load) {
    const { look, loadOrPoll } = await recipe(url, load);
    const polled = behindMap(loadOrPoll);
    return async (key) => (await look(key)) ?? polled(key);
  },
};

export const pollingBehindMap: FleetContender = {
  name: "SET NX + poll behind a Map",
  configuration: "the same, one caller per process",
  async join(url, load) {
    const { look, loadOrPoll } = await recipe(url, load);
    return behindMap(async (key) => (await look(key)) ?? loadOrPoll(key));
  },
};

async function recipe(url: string, load: Load): Promise<{ look: Call; loadOrPoll: Call }> {
  const redis = await connect(url);
  const shared = new SharedValue(redis);
  return {
    look: (key) => shared.read(key),
    async loadOrPoll(key) {
      for (;;) {
        const owner = randomUUID();
        if ((await redis.set(`lock:${key}`, owner, "PX", LOCK_MS, "NX")) === "OK") {
          try {
            const value = await load(key);
            await shared.write(key, value);
            return value;
          } finally {
            await redis.eval(UNLOCK, 1, `lock:${key}`, owner);
          }
        }
        await sleep(POLL_EVERY_MS + (2 * Math.random() - 1) * RETRY_JITTER_MS);
        const value = await shared.read(key);
        if (value !== undefined) return value;
      }
    },
  };
}
