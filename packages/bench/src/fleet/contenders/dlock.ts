/**
 * @microfleet/dlock, `fanout`: one process works, the result is broadcast by pub/sub; it queues the callers of one process
 * itself. No retries for the lock: who does not get it waits for the broadcast. Its timeout is the lock's.
 */
import { DistributedCallbackQueue } from "@microfleet/dlock";
import { Redis } from "ioredis";
import { LOCK_MS, type FleetContender } from "../contender.ts";

export const dlock: FleetContender = {
  name: "@microfleet/dlock",
  configuration: "fanout, lock of 5 s, no retries",
  async join(url, load) {
    const [client, pubsub] = [0, 1].map(() => new Redis(url, { lazyConnect: true }));
    if (client === undefined || pubsub === undefined) throw new Error("unreachable");
    for (const redis of [client, pubsub]) redis.on("error", () => undefined);
    const queue = new DistributedCallbackQueue({
      client,
      pubsub,
      pubsubChannel: "dlock",
      lockPrefix: "dlock:",
      lock: { timeout: LOCK_MS, retries: 0, delay: 100 },
      log: false,
    });
    await queue.connect();
    return (key) => queue.fanout(key, () => load(key)) as Promise<unknown>;
  },
};
