/** A cache and no coalescing: read, load if nothing is there, write. What most services start with. */
import type { Call, Load } from "../../call.ts";
import type { FleetContender } from "../contender.ts";
import { connect, SharedValue } from "../shared-value.ts";

export const nothing: FleetContender = {
  name: "nothing",
  configuration: "GET, load, SET",
  async join(url, load) {
    const shared = new SharedValue(await connect(url));
    return readThrough(
      { read: (key) => shared.read(key), write: (key, value) => shared.write(key, value) },
      load,
    );
  },
};

const COMMAND_TIMEOUT_MS = 250;

/** What a careful service makes of it: its client gives up, and a cache that fails is a miss. */
export const nothingCareful: FleetContender = {
  name: "nothing, cautiously",
  configuration: `the same; commandTimeout ${COMMAND_TIMEOUT_MS}, no retries, no offline queue; a failed read is a miss`,
  async join(url, load) {
    const redis = await connect(url, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    const shared = new SharedValue(redis);
    return readThrough(
      {
        read: (key) => shared.read(key).catch(() => undefined),
        write: (key, value) => shared.write(key, value).catch(() => undefined),
      },
      load,
    );
  },
};

function readThrough({ read, write }: Pick<SharedValue, "read" | "write">, load: Load): Call {
  return async (key) => {
    const cached = await read(key);
    if (cached !== undefined) return cached;
    const value = await load(key);
    await write(key, value);
    return value;
  };
}
