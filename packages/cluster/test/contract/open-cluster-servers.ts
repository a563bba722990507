/** Connections to every node of a Redis Cluster, as a process of the fleet has them. */
import type { RedisCluster } from "@skein/testkit";
import { readClusterSource } from "../../src/redis/cluster-source.ts";
import { ClusterServers } from "../../src/redis/cluster-servers.ts";
import type { ConnectionOptions } from "../../src/redis/connection.ts";
import { ServerBreakers } from "../../src/redis/server-breakers.ts";
import { keys } from "./contract-fleet.ts";

export function openClusterServers(
  cluster: RedisCluster,
  connection: Omit<ConnectionOptions, "source">,
): ClusterServers {
  const { clock, randomness, redisTimeoutMs } = connection;
  const breakers = new ServerBreakers({
    breaker: { failures: 1, slowReplies: 5, slowMs: redisTimeoutMs, probeEveryMs: 250 },
    keys,
    processId: "p",
    clock,
    randomness,
    redisTimeoutMs,
    onChange: () => undefined,
  });
  const source = readClusterSource({ cluster: cluster.nodes.map(({ host, port }) => ({ host, port })) });
  return new ClusterServers({ source, connection, breakers, onReachable: () => undefined });
}
