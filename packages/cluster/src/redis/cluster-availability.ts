/** Whether it makes sense to ask the node of a Redis Cluster that keeps a flight: each has a breaker of its own. */
import type { FallbackReason } from "@skein/core";
import type { Availability, JoinFailure } from "../fleet.ts";
import type { FlightName } from "../flight-keys.ts";
import type { ClusterNode, ClusterServers } from "./cluster-servers.ts";
import { CommandFailure, type Link } from "./connection.ts";
import { RedisAvailability } from "./redis-availability.ts";

export class ClusterAvailability {
  readonly #servers: ClusterServers;
  readonly #inbox: Link;
  readonly #denied: () => boolean;
  readonly #nodes = new WeakMap<ClusterNode, RedisAvailability>();

  constructor(servers: ClusterServers, inbox: Link, denied: () => boolean) {
    this.#servers = servers;
    this.#inbox = inbox;
    this.#denied = denied;
  }

  /** Each question goes to whoever keeps the flight then. */
  of({ leaseKey }: FlightName): Availability {
    const node = (): RedisAvailability | undefined => this.#at(leaseKey);
    const up = (): boolean => node()?.up ?? false;
    return {
      obstacle: () => node()?.obstacle() ?? this.#obstacleWithoutNode(leaseKey),
      peek: () => node()?.peek() ?? this.#obstacleWithoutNode(leaseKey),
      get up() {
        return up();
      },
      whenUp: (deadline) => this.#servers.whenUp(leaseKey, deadline),
      succeeded: (tookMs) => node()?.succeeded(tookMs),
      failed: (error) => node()?.failed(error) ?? withoutNode(error),
    };
  }

  #at(key: string): RedisAvailability | undefined {
    const node = this.#servers.nodeOf(key);
    if (node === undefined) return undefined;
    let known = this.#nodes.get(node);
    if (known === undefined) {
      const { server, breaker } = node;
      known = new RedisAvailability({
        commands: server.link,
        inbox: this.#inbox,
        breaker,
        denied: this.#denied,
      });
      this.#nodes.set(node, known);
    }
    return known;
  }

  /** Nobody keeps it, as far as is known. */
  #obstacleWithoutNode(key: string): FallbackReason | undefined {
    if (this.#servers.nodeOf(key) !== undefined) return undefined;
    const { known, hopeless } = this.#servers.directory;
    return known || hopeless || this.#inbox.hopeless ? "unavailable" : undefined;
  }
}

function withoutNode(error: unknown): JoinFailure {
  if (error instanceof CommandFailure) return { reason: error.kind, sent: error.sent };
  return { reason: "refused", sent: true };
}
