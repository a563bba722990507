/** What this process keeps open to Redis, whatever its shape: one server (also behind Sentinel), or a Redis Cluster. */
import type { Availability } from "../fleet.ts";
import type { FlightName } from "../flight-keys.ts";
import { ClusterAvailability } from "./cluster-availability.ts";
import { ClusterServers } from "./cluster-servers.ts";
import {
  isClusterSource,
  readClusterSource,
  type ClusterSource,
  type RedisSource,
} from "./cluster-source.ts";
import type { NodeAddress } from "./connection-profile.ts";
import type { ConnectionOptions, Link } from "./connection.ts";
import { hashSlot } from "./hash-slot.ts";
import { addressIn } from "./node-directory.ts";
import type { Redirection } from "./redirection.ts";
import { RedisAvailability } from "./redis-availability.ts";
import type { ServerBreakers } from "./server-breakers.ts";
import { Server } from "./server.ts";
import { OneServer, type Servers } from "./servers.ts";

/** Attempts of an inbox at the node where it was before it moves on: mostly a connection was cut, and no node died. */
const ATTEMPTS_AT_ONE_NODE = 2;

export interface DeploymentOptions {
  readonly source: RedisSource;
  readonly connection: Omit<ConnectionOptions, "source" | "nextAddress">;
  readonly breakers: ServerBreakers;
  /** The connections for commands are all up, or not all any more. */
  readonly onReachable: (reachable: boolean) => void;
  /** Something is missing that nothing works without: nothing is to be asked. */
  readonly denied: () => boolean;
}

export interface Deployment {
  readonly servers: Servers;
  /** Redis Cluster: a key has a server of its own. */
  readonly isCluster: boolean;
  /** Resolves when all connections for commands are up for the first time, or never will be. */
  readonly firstUp: Promise<void>;
  /** How an inbox connects: to any node, or (for a list) to the one that keeps its key. */
  inboxConnection(key?: string): ConnectionOptions;
  availability(inbox: Link): (flight: FlightName) => Availability;
  /** An inbox came up. */
  probeNow(): void;
  close(): Promise<void>;
}

/** Starts to connect. @throws InvalidOptionError */
export function openDeployment(options: DeploymentOptions): Deployment {
  const { source } = options;
  return isClusterSource(source) ? openCluster(options, readClusterSource(source)) : openOne(options, source);
}

function openOne(
  { connection, breakers, onReachable, denied }: DeploymentOptions,
  source: ConnectionOptions["source"],
): Deployment {
  const server = Server.open({ ...connection, source });
  const breaker = breakers.create(
    () => true,
    () => server.link.state === "up",
  );
  const { promise: firstUp, resolve } = Promise.withResolvers<void>();
  server.link.onStateChange((state) => {
    if (state === "up" || state === "down") onReachable(state === "up");
    if (state === "up" || state === "closed") resolve();
    // A connection that came back is the best moment to look again.
    if (state === "up") breaker.probeNow();
  });
  return {
    servers: new OneServer(server),
    isCluster: false,
    firstUp,
    inboxConnection: () => ({ ...connection, source }),
    availability(inbox) {
      const availability = new RedisAvailability({ commands: server.link, inbox, breaker, denied });
      return () => availability;
    },
    probeNow: () => breaker.probeNow(),
    async close() {
      breakers.close(breaker);
      await server.link.close();
    },
  };
}

function openCluster(options: DeploymentOptions, source: ClusterSource): Deployment {
  const { connection, breakers, onReachable, denied } = options;
  const { promise: firstUp, resolve } = Promise.withResolvers<void>();
  const servers = new ClusterServers({
    source,
    connection,
    breakers,
    onReachable(all) {
      if (all) resolve();
      onReachable(all);
    },
  });
  const { directory } = servers;
  return {
    servers,
    isCluster: true,
    firstUp,
    inboxConnection(key) {
      const slot = key === undefined ? undefined : hashSlot(key);
      const homeNow = (): NodeAddress | undefined => {
        const home = slot === undefined ? undefined : directory.at(slot);
        return home === undefined ? undefined : addressIn(home);
      };
      let last = homeNow() ?? directory.anyAddress();
      let elsewhere: NodeAddress | undefined;
      const nextAddress = (attempt: number): NodeAddress => {
        const next = elsewhere ?? homeNow();
        elsewhere = undefined;
        // It may have been there no more.
        if (slot !== undefined) directory.refresh();
        if (next !== undefined) last = next;
        else if (attempt > ATTEMPTS_AT_ONE_NODE) last = directory.anyAddress(last);
        return last;
      };
      const onRedirected = (redirection: Redirection): void => {
        const name = directory.placeOf(redirection, last.host);
        if (redirection.kind === "moved") directory.learn(redirection.slot, name);
        // For one attempt: if it fails, whoever is known to have the slot is asked again.
        elsewhere = addressIn(name);
      };
      return { ...connection, source: { ...source.nodeOptions, ...last }, nextAddress, onRedirected };
    },
    availability(inbox) {
      const availability = new ClusterAvailability(servers, inbox, denied);
      return (flight) => availability.of(flight);
    },
    probeNow: () => servers.probeNow(),
    close() {
      resolve();
      return servers.close();
    },
  };
}
