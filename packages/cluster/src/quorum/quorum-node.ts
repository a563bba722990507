/**
 * One of the independent servers of a quorum: what is asked of it is asked only while it makes sense, and its breaker and
 * its pace hear of what came of it. A question that its caller cuts short, having spent the rest elsewhere, is no failure
 * of the server: the server is asked something harmless instead, with all the time that it may take.
 */
import { background } from "@skein/core/internal";
import { feedsBreaker } from "../breaker.ts";
import type {
  Coordinator,
  JoinReply,
  JoinRequest,
  RenewReply,
  RenewRequest,
  Transport,
} from "../coordinator.ts";
import type { Availability } from "../fleet.ts";
import type { FlightName } from "../flight-keys.ts";
import type { Inbox } from "../inbox/inbox.ts";
import { CommandFailure } from "../redis/connection.ts";
import { appointScript } from "../redis/flight-scripts.ts";
import { integer, text } from "../redis/join-reply.ts";
import type { RedisMembership } from "../redis/redis-membership.ts";
import type { ScriptReply } from "../redis/script-runner.ts";
import type { Server } from "../redis/server.ts";
import { Pace, type Question } from "./pace.ts";

export interface Appointment {
  readonly flight: FlightName;
  readonly token: string;
  readonly transport: Transport;
  readonly leaseMs: number;
  readonly flightTtlMs: number;
  readonly takeovers: number;
  /** As in a join: an outcome that will do is the answer. `undefined`: none will, somebody leads already. */
  readonly outcomes: { readonly firstGrant: number | undefined; readonly freshMs: number } | undefined;
}

export type AppointReply =
  | { readonly status: "appointed" }
  /** `holder`: "" if it knows of nobody, but of a later election. */
  | { readonly status: "refused"; readonly holder: string }
  | Extract<JoinReply, { status: "settled" }>;

export class QuorumNode {
  readonly #membership: RedisMembership;
  readonly #redisTimeoutMs: number;
  readonly #pace: Pace;
  /** Appointments that have no answer yet, by flight id. */
  readonly #appointing = new Map<string, Promise<unknown>>();
  #probedAt = -Infinity;

  constructor(membership: RedisMembership, redisTimeoutMs: number) {
    const { link } = serverOf(membership);
    this.#membership = membership;
    this.#redisTimeoutMs = redisTimeoutMs;
    this.#pace = new Pace({ clock: link.clock, stalledWithin: (periodMs) => link.stalledWithin(periodMs) });
  }

  get inbox(): Inbox {
    return this.#membership.inbox;
  }

  get probed(): Promise<void> {
    return this.#membership.probed;
  }

  /** How long an answer is likely to take, at least. */
  get expectedMs(): number {
    return this.#pace.expectedMs;
  }

  availabilityOf(flight: FlightName): Availability {
    return this.#membership.availabilityOf(flight);
  }

  /** Looked at many times per call: the call itself has asked, once, and what it found has counted. */
  canBeAsked(flight: FlightName): boolean {
    const availability = this.availabilityOf(flight);
    return availability.peek() === undefined && availability.up;
  }

  serverTimeMs(flight: FlightName): number | undefined {
    return this.#membership.coordinator.serverTimeMs(flight);
  }

  /**
   * Asks, and takes note of what came of it. `limitMs`: for how long `attempt` waits.
   * @throws what `attempt` throws, or CommandFailure, unsent
   */
  async use<T>(
    flight: FlightName,
    attempt: (coordinator: Coordinator) => Promise<T>,
    limitMs: number = this.#redisTimeoutMs,
  ): Promise<T> {
    if (!this.canBeAsked(flight)) throw new CommandFailure("unavailable", { sent: false });
    const { clock } = this.#server.link;
    const availability = this.availabilityOf(flight);
    const askedAt = clock.now();
    const question = this.#pace.ask();
    try {
      const answer = await attempt(this.#membership.coordinator);
      question.answered();
      availability.succeeded(clock.now() - askedAt);
      return answer;
    } catch (error) {
      tell(question, error);
      const cutShort = isTimeout(error) && limitMs < this.#redisTimeoutMs;
      if (cutShort) this.probe(flight);
      else availability.failed(error);
      throw error;
    }
  }

  /**
   * The same for what ends a leadership, which must not overtake the word of its beginning: a script that the server does
   * not know takes two trips, and a leader appointed after it resigned would be one for as long as its lease.
   */
  async useAfterAppointment<T>(
    flight: FlightName,
    attempt: (coordinator: Coordinator) => Promise<T>,
  ): Promise<T> {
    await this.#appointing.get(flight.id);
    return this.use(flight, attempt);
  }

  /** Finds out how it fares, unless that was done lately: one that is passed over would else stay so. */
  probe(flight: FlightName): void {
    const { link } = this.#server;
    const now = link.clock.now();
    if (now - this.#probedAt < this.#redisTimeoutMs || !this.canBeAsked(flight)) return;
    this.#probedAt = now;
    const asked = this.use(flight, () => link.send((redis) => redis.ping(), this.#redisTimeoutMs));
    background(asked.catch(() => undefined));
  }

  join(request: JoinRequest): Promise<JoinReply> {
    return this.use(request.flight, (at) => at.join(request), request.withinMs);
  }

  /** A batch of which nothing could be renewed has failed. */
  renew(flight: FlightName, requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    return this.use(flight, async (at) => {
      const replies = await at.renew(requests);
      const errors = replies.filter((reply) => reply instanceof Error);
      if (errors.length < replies.length || errors[0] === undefined) return replies;
      throw errors.find((error) => error instanceof CommandFailure && feedsBreaker(error)) ?? errors[0];
    });
  }

  /** Tells the server of a leader, and asks whether it takes it for one. */
  async appoint({ flight, outcomes, ...terms }: Appointment): Promise<AppointReply> {
    const args = {
      ...terms,
      firstGrant: outcomes === undefined ? "" : (outcomes.firstGrant ?? 0),
      freshMs: outcomes?.freshMs ?? 0,
    };
    const call = appointScript.call(flight, args);
    const asked = this.use(flight, async () =>
      readAppointment(await this.#server.run(call, this.#redisTimeoutMs)),
    );
    const over = asked
      .catch(() => undefined)
      .then(() => {
        if (this.#appointing.get(flight.id) === over) this.#appointing.delete(flight.id);
      });
    this.#appointing.set(flight.id, over);
    return asked;
  }

  /** Whose outcome the server retains. */
  async settledToken(flight: FlightName): Promise<string | undefined> {
    const { link } = this.#server;
    return this.use(flight, async () => {
      const ask = link.send((redis) => redis.hget(flight.flightKey, "settled"), this.#redisTimeoutMs);
      return (await ask) ?? undefined;
    });
  }

  /** Whether anybody is registered there, be it long ago. */
  async hasRegistrations(flight: FlightName): Promise<boolean> {
    const { link } = this.#server;
    return this.use(flight, async () => {
      const names = await link.send((redis) => redis.hkeys(flight.flightKey), this.#redisTimeoutMs);
      return names.some((name) => name.startsWith("f:"));
    });
  }

  /** A command of the election lock. */
  vote(
    flight: FlightName,
    command: "EVAL" | "EVALSHA",
    words: readonly (string | number)[],
  ): Promise<unknown> {
    return this.use(flight, () => this.say(command, words));
  }

  /** The same, whatever is known of the server: behind what it was asked before, so that it is undone. */
  say(command: "EVAL" | "EVALSHA", words: readonly (string | number)[]): Promise<unknown> {
    return this.#server.link.send((redis) => redis.call(command, ...words), this.#redisTimeoutMs);
  }

  close(): Promise<void> {
    return this.#membership.close();
  }

  get #server(): Server {
    return serverOf(this.#membership);
  }
}

/** Everything is kept by one server. */
function serverOf({ servers }: RedisMembership): Server {
  const server = servers.of("");
  if (server === undefined) throw new CommandFailure("unavailable", { sent: false });
  return server;
}

function isTimeout(error: unknown): boolean {
  return error instanceof CommandFailure && error.kind === "timeout";
}

function tell(question: Question, error: unknown): void {
  if (!(error instanceof CommandFailure)) question.withdrawn();
  else if (error.kind === "timeout") {
    if (error.loopDelayed) question.withdrawn();
    else question.unanswered();
  } else if (error.kind === "unavailable" && error.serverCode === undefined) question.lost();
  else question.answered();
}

function readAppointment([status, , first, second, third]: ScriptReply): AppointReply {
  switch (text(status)) {
    case "APPOINTED":
      return { status: "appointed" };
    case "SETTLED": {
      const outcome = Buffer.isBuffer(second) ? second : Buffer.from(text(second));
      return { status: "settled", token: text(first), outcome, ageMs: integer(third) };
    }
    default:
      return { status: "refused", holder: text(first) };
  }
}
