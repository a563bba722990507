/** A cache and no coalescing: read, load if nothing is there, write. What most services start with. */
import type { FleetContender } from "../contender.ts";
import { connect, SharedValue } from "../shared-value.ts";

export const nothing: FleetContender = {
  name: "nothing",
  configuration: "GET, load, SET",
  async join(url, load) {
    const shared = new SharedValue(await connect(url));
    return async (key) => {
      const cached = await shared.read(key);
      if (cached !== undefined) return cached;
      const value = await load(key);
      await shared.write(key, value);
      return value;
    };
  },
};
