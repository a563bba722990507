/** One of the independent servers of a quorum: what is asked of it is asked only while it makes sense, within its time. */
import type { Availability } from "../fleet.ts";
import type { FlightName } from "../flight-keys.ts";
import type { Inbox } from "../inbox/inbox.ts";
import type { Coordinator, Transport } from "../coordinator.ts";
import { CommandFailure } from "../redis/connection.ts";
import { appointScript } from "../redis/flight-scripts.ts";
import { text } from "../redis/join-reply.ts";
import type { RedisMembership } from "../redis/redis-membership.ts";
import type { Server } from "../redis/server.ts";

export interface Appointment {
  readonly flight: FlightName;
  readonly token: string;
  readonly transport: Transport;
  readonly leaseMs: number;
  readonly flightTtlMs: number;
  readonly takeovers: number;
}

export class QuorumNode {
  readonly #membership: RedisMembership;

  constructor(membership: RedisMembership) {
    this.#membership = membership;
  }

  get inbox(): Inbox {
    return this.#membership.inbox;
  }

  get coordinator(): Coordinator {
    return this.#membership.coordinator;
  }

  get probed(): Promise<void> {
    return this.#membership.probed;
  }

  availabilityOf(flight: FlightName): Availability {
    return this.#membership.availabilityOf(flight);
  }

  /** Asks, and tells the node's breaker what came of it. @throws what `attempt` throws, or CommandFailure, unsent */
  async use<T>(flight: FlightName, attempt: (coordinator: Coordinator) => Promise<T>): Promise<T> {
    const availability = this.availabilityOf(flight);
    if (availability.obstacle() !== undefined || !availability.up) {
      throw new CommandFailure("unavailable", { sent: false });
    }
    const { clock } = this.#server(flight.leaseKey).link;
    const askedAt = clock.now();
    try {
      const answer = await attempt(this.coordinator);
      availability.succeeded(clock.now() - askedAt);
      return answer;
    } catch (error) {
      availability.failed(error);
      throw error;
    }
  }

  /** Tells the server of a leader. True if it takes it for one; otherwise the token of the one it knows, "" if none. */
  async appoint(appointment: Appointment, timeoutMs: number): Promise<true | string> {
    const { flight, ...args } = appointment;
    return this.use(flight, async () => {
      const reply = await this.#server(flight.leaseKey).run(appointScript.call(flight, args), timeoutMs);
      return text(reply[0]) === "APPOINTED" ? true : text(reply[2]);
    });
  }

  /** Whose outcome the server retains. */
  async settledToken(flight: FlightName, timeoutMs: number): Promise<string | undefined> {
    return this.use(flight, async () => {
      const { link } = this.#server(flight.leaseKey);
      return (await link.send((redis) => redis.hget(flight.flightKey, "settled"), timeoutMs)) ?? undefined;
    });
  }

  /** One command of the election lock. */
  ask(command: "EVAL" | "EVALSHA", words: readonly (string | number)[], timeoutMs: number): Promise<unknown> {
    const { link } = this.#server("");
    return link.send((redis) => redis.call(command, ...words), timeoutMs);
  }

  close(): Promise<void> {
    return this.#membership.close();
  }

  #server(key: string): Server {
    const server = this.#membership.servers.of(key);
    if (server === undefined) throw new CommandFailure("unavailable", { sent: false });
    return server;
  }
}
