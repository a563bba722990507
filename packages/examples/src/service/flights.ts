// How the example service coalesces: not at all, in its process, or in the fleet. Production says "fleet"; the other two
// are there to be compared with it.

import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { Singleflight, type Coalescer } from "@skein/core";
import { Redis, type RedisOptions } from "ioredis";
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
export function redisOf(config: ServiceConfig): ClusterOptions["redis"] {
  const { REDIS_URL, REDIS_SENTINELS, REDIS_SENTINEL_NAME: name, REDIS_CLUSTER_NODES: cluster } = config;
  if (cluster !== undefined) return { cluster, ...accessOf(REDIS_URL) };
  if (REDIS_SENTINELS === undefined) return REDIS_URL;
  const sentinels = REDIS_SENTINELS.map((address) => {
    const { hostname: host, port } = new URL(`redis://${address}`);
    return { host, port: Number(port || 26_379) };
  });
  const { db = 0 } = new Redis(REDIS_URL, { lazyConnect: true }).options;
  // Without the last, ioredis does not apply `tls` to the primary. What Sentinels are asked is no secret.
  return { sentinels, name, db, ...accessOf(REDIS_URL), enableTLSForSentinelMode: true };
}

/** As the client itself reads it from the URL of one server. */
function accessOf(url: string): Pick<RedisOptions, "username" | "password" | "tls"> {
  const { username, password, tls } = new Redis(url, { lazyConnect: true }).options;
  return {
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(tls ? { tls } : {}),
  };
}

export function keyPrefixOf(key: string): string | undefined {
  return [KEPT_PREFIX, LIVE_PREFIX].find((prefix) => key.startsWith(prefix));
}
