/**
 * The Redis cacher of moleculer with its lock, as an action's cache: redlock inside, retried every 50 ms for as long as it
 * takes. The bare Map in front.
 */
import { ServiceBroker } from "moleculer";
import { behindMap } from "../behind-map.ts";
import { LOCK_MS, POLL_EVERY_MS, RETRY_JITTER_MS, VALUE_TTL_MS, type FleetContender } from "../contender.ts";

export const moleculer: FleetContender = {
  name: "moleculer cacher",
  configuration: `cacher with lock, retried every ${POLL_EVERY_MS} ms, behind a Map`,
  async join(url, load) {
    const { hostname, port } = new URL(url);
    // Milliseconds, whatever its documentation says; its types do not know it.
    const lock = { enabled: true, ttl: LOCK_MS };
    const broker = new ServiceBroker({
      logger: false,
      cacher: {
        type: "Redis",
        options: {
          redis: { host: hostname, port: Number(port) },
          ttl: VALUE_TTL_MS / 1_000,
          redlock: { retryCount: -1, retryDelay: POLL_EVERY_MS, retryJitter: RETRY_JITTER_MS },
        },
      },
    });
    broker.createService({
      name: "loads",
      actions: {
        load: {
          cache: { keys: ["key"], lock },
          handler: ({ params: { key } }: { params: { key: string } }) => load(key),
        },
      },
    });
    await broker.start();
    return behindMap((key) => broker.call("loads.load", { key }));
  },
};
