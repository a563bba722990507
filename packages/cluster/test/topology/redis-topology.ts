/**
 * Where the fleet of a suite keeps its flights: one server, or what SKEIN_TEST_TOPOLOGY names. The same claims have to
 * hold everywhere; a test that looks at the server itself says so and runs where there is one.
 */
import { readFile } from "node:fs/promises";
import type { ClusterOptions } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import { RedisCluster, RedisSentinels, RedisServer } from "@skein/testkit";

export type Topology =
  | "one"
  /** One server, as a user that may do what docs/REDIS-KEYS.md says and nothing else. */
  | "minimal-user"
  | "sentinel"
  | "cluster"
  | "quorum";

const TOPOLOGIES: readonly Topology[] = ["one", "minimal-user", "sentinel", "cluster", "quorum"];

const topology: Topology = named(process.env["SKEIN_TEST_TOPOLOGY"]);
/** One server keeps everything. */
export const oneServer: boolean = topology !== "cluster" && topology !== "quorum";

/** Processes may do what docs/REDIS-KEYS.md says, and nothing else. */
export const asMinimalUser: boolean = topology === "minimal-user";

export interface RedisTopology {
  /** What an application names. */
  readonly source: ClusterOptions["redis"];
  /** Keeps everything, if one server does. */
  readonly server: RedisServer;
  empty(): Promise<void>;
  stop(): Promise<void>;
}

/** Of this process: what takes several servers takes its time to start, and ends with the process. */
let shared: Promise<RedisTopology> | undefined;

/** Empty, and nobody else's until it is stopped. */
export async function startTopology(args: readonly string[] = []): Promise<RedisTopology> {
  if (topology === "one" || args.length > 0) return start(args);
  return (shared ??= start(args).then(({ source, server, stop: _stop, empty }) => ({
    source,
    server,
    empty,
    stop: empty,
  })));
}

async function start(args: readonly string[]): Promise<RedisTopology> {
  switch (topology) {
    case "one": {
      const server = await RedisServer.start({ args });
      return { source: server.url, server, empty: () => server.flushAll(), stop: () => server.stop() };
    }
    case "minimal-user": {
      const server = await RedisServer.start({ args });
      const user = await addMinimalUser(server);
      const source = { host: server.host, port: server.port, ...user };
      return { source, server, empty: () => server.flushAll(), stop: () => server.stop() };
    }
    case "quorum": {
      const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start({ args })));
      return {
        source: quorum(servers.map(({ url }) => url)),
        server: first(servers),
        empty: async () => void (await Promise.all(servers.map((server) => server.flushAll()))),
        stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
      };
    }
    case "sentinel": {
      const flock = await RedisSentinels.start({ args });
      const server = first(flock.servers);
      return { source: flock.options, server, empty: () => server.flushAll(), stop: () => flock.stop() };
    }
    case "cluster": {
      const cluster = await RedisCluster.start({ args });
      return {
        source: { cluster: cluster.nodes.map(({ host, port }) => ({ host, port })) },
        server: first(cluster.nodes),
        empty: async () => void (await Promise.all(cluster.nodes.map((node) => node.flushAll()))),
        stop: () => cluster.stop(),
      };
    }
  }
}

/** How processes log in to a server that a suite starts by itself: as the minimal user, if that is the topology. */
export async function loginOn(server: RedisServer): Promise<{ username?: string; password?: string }> {
  return asMinimalUser ? addMinimalUser(server) : {};
}

/** The user of docs/REDIS-KEYS.md, with the rights that the document gives it. */
async function addMinimalUser(server: RedisServer): Promise<{ username: string; password: string }> {
  const document = await readFile(new URL("../../../../docs/REDIS-KEYS.md", import.meta.url), "utf8");
  const line = /^ACL (SETUSER (\w+) on >(\w+) [^`]*)```/mu.exec(document);
  const [, words = "", username = "", password = ""] = line ?? [];
  await server.client().call("ACL", ...words.split(/\s+/u).filter((word) => word !== ""));
  return { username, password };
}

function named(name: string | undefined): Topology {
  if (name === undefined || name === "" || name === "one") return "one";
  const known = TOPOLOGIES.find((each) => each === name);
  if (known !== undefined) return known;
  throw new Error(`SKEIN_TEST_TOPOLOGY is "${name}": it must be one of ${TOPOLOGIES.join(", ")}`);
}

function first(servers: readonly RedisServer[]): RedisServer {
  const [server] = servers;
  if (server === undefined) throw new Error("no server");
  return server;
}
