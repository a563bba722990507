/**
 * A Redis Cluster as the application names it: some of its nodes, and the options for all. What it hands over is read,
 * never used, closed or changed.
 */
import { InvalidOptionError } from "@skein/core";
import { withoutText } from "@skein/core/internal";
import type { Cluster, RedisOptions } from "ioredis";
import {
  refuseKeyPrefix,
  REDIS_RULE,
  templateOf,
  type NodeAddress,
  type NodeSource,
} from "./connection-profile.ts";

/** Some nodes of a Redis Cluster, by URL, `host:port` or address; the others are found. Options hold for all nodes. */
export interface ClusterNodes extends RedisOptions {
  readonly cluster: readonly (string | Partial<NodeAddress>)[];
}

export type RedisSource = NodeSource | ClusterNodes | Cluster;

export interface ClusterSource {
  readonly seeds: readonly NodeAddress[];
  /** For every node, but for its address. */
  readonly nodeOptions: RedisOptions;
  /** A node by the name that the cluster gives it, where it can be reached from here. */
  readonly translate: (address: NodeAddress) => NodeAddress;
}

type NatMap = ((name: string) => NodeAddress | null) | Readonly<Record<string, NodeAddress>>;

export function isClusterSource(source: RedisSource): source is ClusterNodes | Cluster {
  if (typeof source !== "object" || source === null) return false;
  // A client of one node has a method of that name.
  return isCluster(source) || ("cluster" in source && !("duplicate" in source));
}

/** @throws InvalidOptionError for nodes that cannot be read. */
export function readClusterSource(source: ClusterNodes | Cluster): ClusterSource {
  if (isCluster(source)) {
    const { redisOptions = {}, natMap, keyPrefix, useSRVRecords } = source.options;
    refuseKeyPrefix(keyPrefix);
    if (useSRVRecords === true) {
      throw new InvalidOptionError("redis.useSRVRecords", true, "is not supported; name some nodes");
    }
    return read(seedsOf(source), redisOptions, natMap);
  }
  const { cluster, natMap, ...options } = source;
  if (!Array.isArray(cluster) || cluster.length === 0) {
    throw new InvalidOptionError(
      "redis.cluster",
      withoutText(cluster),
      "must be a list of nodes, and not empty",
    );
  }
  return read(cluster, options, natMap);
}

function read(
  seeds: ClusterNodes["cluster"],
  options: RedisOptions,
  natMap: NatMap | null | undefined,
): ClusterSource {
  const templates = seeds.map((seed) => templateOf(asNodeSource(seed)).options);
  const [{ username, password, tls } = {}] = templates;
  // What the URL of the first node says holds for all, unless the options say otherwise.
  const said = Object.entries({ username, password, tls }).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  const {
    host: _host,
    port: _port,
    path: _path,
    ...nodeOptions
  } = { ...Object.fromEntries(said), ...options };
  refuseKeyPrefix(nodeOptions.keyPrefix);
  return {
    seeds: templates.map(({ host = "127.0.0.1", port = 6379 }) => ({ host, port })),
    nodeOptions,
    translate: (address) => {
      const name = `${address.host}:${address.port}`;
      const mapped = typeof natMap === "function" ? natMap(name) : natMap?.[name];
      return mapped ?? address;
    },
  };
}

function asNodeSource(seed: ClusterNodes["cluster"][number]): NodeSource {
  if (typeof seed === "string") return /^[^/]+:\d+$/.test(seed) ? `redis://${seed}` : seed;
  if (typeof seed !== "object" || seed === null) {
    throw new InvalidOptionError("redis.cluster", withoutText(seed), REDIS_RULE);
  }
  const { host = "127.0.0.1", port = 6379 } = seed;
  return { host, port };
}

/** What the client was given to start from. Its types do not tell of it, but every version since 4 has it. */
function seedsOf(cluster: Cluster): ClusterNodes["cluster"] {
  const seeds: unknown = Reflect.get(cluster, "startupNodes");
  if (!Array.isArray(seeds)) {
    throw new InvalidOptionError("redis", "a Cluster client", "has no start-up nodes");
  }
  return seeds.map((seed: unknown) =>
    typeof seed === "number" ? { port: seed } : (seed as NodeAddress | string),
  );
}

/** By shape: the application may have another version or another copy of the client. */
function isCluster(source: object): source is Cluster {
  return "isCluster" in source && source.isCluster === true;
}
