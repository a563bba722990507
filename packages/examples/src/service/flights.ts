// How the example service coalesces: not at all, in its process, or in the fleet. Production says "fleet"; the other two
// are there to be compared with it.

import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { Singleflight, type Coalescer } from "@skein/core";
import type { Logger } from "pino";
import type { ServiceConfig } from "./service-config.ts";

/** Reports that are kept for REPORT_TTL_MS. */
export const KEPT_PREFIX = "report:";
/** Reports that are loaded for those who ask at that moment, and not kept. */
export const LIVE_PREFIX = "live:";

export interface FlightsObserver {
  onEvent(event: ClusterEvent): void;
}

/** Undefined for "none". */
export function openFlights(
  config: ServiceConfig,
  logger: Logger,
  observer: readonly FlightsObserver[],
): Coalescer | undefined {
  switch (config.COALESCING) {
    case "none":
      return undefined;
    case "process":
      return new Singleflight({ observer, keyPrefixOf });
    case "fleet":
      return new ClusterSingleflight({
        redis: redisOf(config),
        namespace: config.NAMESPACE,
        prefixes: [KEPT_PREFIX, LIVE_PREFIX],
        redisTimeoutMs: config.REDIS_TIMEOUT_MS,
        ...(config.FLIGHT_SECRETS === undefined ? {} : { secrets: config.FLIGHT_SECRETS }),
        logger,
        observer,
      });
  }
}

/** One server, the primary that Sentinels name, or a cluster. */
function redisOf(config: ServiceConfig): ClusterOptions["redis"] {
  if (config.REDIS_CLUSTER_NODES !== undefined) return { cluster: config.REDIS_CLUSTER_NODES };
  if (config.REDIS_SENTINELS === undefined) return config.REDIS_URL;
  const { username, password } = new URL(config.REDIS_URL);
  return {
    sentinels: config.REDIS_SENTINELS.map((address) => {
      const { hostname: host, port } = new URL(`redis://${address}`);
      return { host, port: Number(port || 26_379) };
    }),
    name: config.REDIS_SENTINEL_NAME,
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
  };
}

export function keyPrefixOf(key: string): string | undefined {
  return [KEPT_PREFIX, LIVE_PREFIX].find((prefix) => key.startsWith(prefix));
}
