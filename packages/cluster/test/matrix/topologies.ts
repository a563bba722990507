/** The shapes of Redis that the matrix runs on, all of servers of this process's kind (SKEIN_REDIS_SERVER). */
import { RedisCluster, RedisSentinels, RedisServer } from "@skein/testkit";
import type { ClusterOptions } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import type { ClientMaker } from "./clients.ts";

export const TOPOLOGIES = ["one server", "Sentinel", "Redis Cluster", "quorum of 3"] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

export interface Topology extends AsyncDisposable {
  /** Whoever keeps flights. */
  readonly servers: readonly RedisServer[];
  /** What an application hands over: clients of its own, made by `maker`. */
  source(maker: ClientMaker): ClusterOptions["redis"];
}

export const startTopology: Readonly<Record<TopologyName, () => Promise<Topology>>> = {
  async "one server"() {
    const server = await RedisServer.start();
    return {
      servers: [server],
      source: (maker) => maker.redis({ host: server.host, port: server.port }),
      [Symbol.asyncDispose]: () => server.stop(),
    };
  },
  async Sentinel() {
    const sentinels = await RedisSentinels.start({ sentinels: 1 });
    return {
      servers: sentinels.servers.slice(0, 1),
      source: (maker) => maker.redis(sentinels.options),
      [Symbol.asyncDispose]: () => sentinels.stop(),
    };
  },
  async "Redis Cluster"() {
    const cluster = await RedisCluster.start();
    return {
      servers: cluster.nodes,
      source: (maker) => maker.cluster(cluster.nodes.map(({ host, port }) => ({ host, port }))),
      [Symbol.asyncDispose]: () => cluster.stop(),
    };
  },
  async "quorum of 3"() {
    const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start()));
    return {
      servers,
      source: (maker) => quorum(servers.map(({ host, port }) => maker.redis({ host, port }))),
      async [Symbol.asyncDispose]() {
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  },
};
