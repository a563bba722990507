/** The contract over one real Redis whose own clock is moved: what ends there ends as it does on any server. */
import type { RedisServer, SkewedClock } from "@skein/testkit";
import type { ContractFleet } from "./contract-fleet.ts";
import { startRedisFleet } from "./redis-contract-fleet.ts";

/** `server`: started with the environment of `clock`. */
export async function startSkewedFleet(server: RedisServer, clock: SkewedClock): Promise<ContractFleet> {
  const fleet = await startRedisFleet(server);
  const admin = server.client();
  let shiftMs = 0;
  const shift = async (ms: number): Promise<void> => {
    // A list ends after seconds; its process would have looked into it at once.
    await fleet.delivered();
    const known = await admin.keys("skein1:*");
    shiftMs += ms;
    clock.shift(shiftMs);
    // What has ended is dropped when somebody looks, or a little later: it must not come back with the clock.
    if (known.length > 0) await admin.exists(...known);
  };
  return {
    ...fleet,
    elapse: shift,
    setClockBack: (ms) => shift(-ms),
    async close() {
      await fleet.close();
      admin.disconnect();
    },
  };
}
