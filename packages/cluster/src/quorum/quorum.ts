/** Names the independent servers of a quorum. */
import { InvalidOptionError } from "@skein/core";
import { withoutText } from "@skein/core/internal";
import type { Membership, MembershipContext, MembershipSource } from "../membership.ts";
import { isClusterSource } from "../redis/cluster-source.ts";
import { refuseKeyPrefix, templateOf, type NodeSource } from "../redis/connection-profile.ts";
import { openRedisMembership } from "../redis/redis-membership.ts";
import { QuorumAvailability } from "./quorum-availability.ts";
import { QuorumCoordinator } from "./quorum-coordinator.ts";
import { QuorumEvents } from "./quorum-events.ts";
import { QuorumInbox } from "./quorum-inbox.ts";
import { QuorumNode } from "./quorum-node.ts";

const FEWEST = 3;
const MOST = 9;
/** Where the client looks for a Sentinel that is not said to be elsewhere. */
const SENTINEL_HOST = "127.0.0.1";
const SENTINEL_PORT = 26_379;

/**
 * Coordination over independent Redis primaries, for the option `redis` of `ClusterSingleflight`: any minority of them may
 * be down. An odd number of servers, 3 to 9, each a redis:// or rediss:// URL, ioredis options, or an ioredis client to
 * connect like; named in the same order in every process. It costs more round trips than one server, and no leader is
 * replaced before its leases have ended.
 *
 * @throws InvalidOptionError naming what is wrong with the servers, before any is connected to
 */
export function quorum(servers: readonly NodeSource[]): MembershipSource {
  const sources = checkServers(servers);
  return { openMembership: (context) => openQuorum(sources, context) };
}

function openQuorum(sources: readonly NodeSource[], context: MembershipContext): Membership {
  const { clock, randomness, redisTimeoutMs, emit } = context;
  const events = new QuorumEvents(sources.length, emit);
  const nodes = sources.map(
    (source, index) =>
      new QuorumNode(openRedisMembership(source, { ...context, emit: events.of(index) }), redisTimeoutMs),
  );
  return {
    coordinator: new QuorumCoordinator({ nodes, clock, randomness, redisTimeoutMs }),
    inbox: new QuorumInbox(nodes.map(({ inbox }) => inbox)),
    availabilityOf: (flight) => new QuorumAvailability(nodes.map((node) => node.availabilityOf(flight))),
    probed: Promise.all(nodes.map(({ probed }) => probed)).then(() => undefined),
    async close() {
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
}

function checkServers(servers: unknown): readonly NodeSource[] {
  if (!Array.isArray(servers)) {
    throw new InvalidOptionError("quorum", withoutText(servers), "must be a list of servers");
  }
  if (servers.length < FEWEST || servers.length > MOST || servers.length % 2 === 0) {
    throw new InvalidOptionError(
      "quorum",
      `${servers.length} servers`,
      `must be an odd number of servers, ${FEWEST} to ${MOST}`,
    );
  }
  const sources = servers as readonly NodeSource[];
  // All of them now: when one was refused later, nobody would close those that had begun to connect before it.
  for (const source of sources) {
    if (isClusterSource(source)) {
      throw new InvalidOptionError("quorum", "a Redis Cluster", "must be a list of servers, each for itself");
    }
    refuseKeyPrefix(templateOf(source).options.keyPrefix);
  }
  const addresses = sources.map(addressOf);
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) {
    throw new InvalidOptionError(
      "quorum",
      twice,
      "must name each server once: two votes of one server are one",
    );
  }
  return [...sources];
}

/** What names a server. Behind Sentinel that is not where it is at the moment. */
function addressOf(source: NodeSource): string {
  const { host, port, path, sentinels, name } = templateOf(source).options;
  if (!Array.isArray(sentinels) || sentinels.length === 0) return path ?? `${host}:${port}`;
  const known = sentinels.map(
    (sentinel) => `${sentinel.host ?? SENTINEL_HOST}:${sentinel.port ?? SENTINEL_PORT}`,
  );
  return `${name} of the Sentinels ${known.toSorted().join(", ")}`;
}
