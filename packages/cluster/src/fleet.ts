/**
 * One process as a member of the fleet: what all of its flights share. It asks within a time budget, keeps the order of
 * what it says about a key, and repeats what must arrive. Not promised: that anybody answers.
 */
import type { Clock, FallbackReason, Randomness } from "@skein/core";
import type { Emitter, FlightTable } from "@skein/core/internal";
import type { Coordinator, JoinReply, JoinRequest, RenewReply, RenewRequest } from "./coordinator.ts";
import type { SignedFlight } from "./envelope.ts";
import { parseToken } from "./fencing-token.ts";
import type { FlightKeys, FlightName } from "./flight-keys.ts";
import type { Inbox } from "./inbox/inbox.ts";
import { WakeUpRegistry } from "./inbox/wake-up-registry.ts";
import { LeaderWatch } from "./leader-watch.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { ClusterEvent } from "./observer.ts";
import type { Signatures } from "./signatures.ts";

/** First pause before something unanswered is said again; doubled up to the longest. */
const FIRST_RETRY_MS = 25;
const LONGEST_RETRY_MS = 250;

/** Whether asking makes sense, and what came of it. */
export interface Availability {
  /** Why not to ask at all; costs nothing. To be asked once per call: what it finds may count as a failure. */
  obstacle(): FallbackReason | undefined;
  /** The same for whoever looks beside that, as often as it likes: nothing that it finds counts. */
  peek(): FallbackReason | undefined;
  /** True once requests can be sent; false at the deadline, or earlier when it is hopeless. */
  whenUp(deadline: number): Promise<boolean>;
  readonly up: boolean;
  succeeded(tookMs: number): void;
  /** Says why a request failed, and whether it may have been sent and take effect all the same. */
  failed(error: unknown): JoinFailure;
}

export interface JoinFailure {
  readonly reason: FallbackReason;
  /** The coordinator may have acted on it. */
  readonly sent: boolean;
}

export type JoinAnswer =
  | { readonly reply: Exclude<JoinReply, { status: "stale" }>; readonly sentAt: number }
  | { readonly failure: JoinFailure };

export interface RenewalAnswer {
  readonly holds: boolean;
  readonly reply: RenewReply;
}

export interface FleetOptions {
  readonly processId: string;
  readonly coordinator: Coordinator;
  readonly inbox: Inbox;
  /** Of whoever keeps this flight. */
  readonly availabilityOf: (flight: FlightName) => Availability;
  readonly keys: FlightKeys;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly table: FlightTable;
  readonly emitter: Emitter<ClusterEvent>;
  readonly redisTimeoutMs: number;
  readonly pollEveryMs: number;
  readonly deathGraceMs: number;
  /** Outcomes are signed, and believed only if they are. */
  readonly signatures: Signatures | undefined;
}

export class Fleet {
  readonly options: FleetOptions;
  readonly wakeUps: WakeUpRegistry = new WakeUpRegistry();
  readonly leases: LeaseKeeper<RenewRequest, RenewalAnswer>;
  readonly watch: LeaderWatch;
  /** The last thing said about a flight that has no answer yet, by flight id. */
  readonly #unanswered = new Map<string, Promise<unknown>>();
  readonly #joining = new Set<Promise<JoinAnswer>>();
  #silenced = false;

  constructor(options: FleetOptions) {
    const { clock, coordinator, deathGraceMs } = options;
    this.options = options;
    this.leases = new LeaseKeeper(clock, async (requests) => {
      const replies = await coordinator.renew(requests);
      return replies.map((reply) =>
        reply instanceof Error ? reply : { holds: reply.status === "held", reply },
      );
    });
    this.watch = new LeaderWatch(clock, deathGraceMs, (processes) => coordinator.listeners(processes));
  }

  open(): void {
    const { inbox, deathGraceMs, emitter } = this.options;
    inbox.open({
      onWakeUp: (wakeUp) => void this.wakeUps.deliver(wakeUp),
      onGarbage: () => {
        if (emitter.active) emitter.emit({ type: "rejected", keyPrefix: "other", why: "message" });
      },
      onInboxState: (up) => {
        // Without an inbox this process looks dead to its followers; its beat has to speak for it.
        this.leases.hurry(up ? undefined : deathGraceMs / 4);
        if (up) this.wakeUps.inboxBack();
      },
    });
  }

  /**
   * Joins within `redisTimeoutMs` in total: connection, inbox, what was said before about this key, and
   * the reply; until `dueAt`, if some of that has been spent.
   */
  join(request: Omit<JoinRequest, "withinMs">, dueAt?: number): Promise<JoinAnswer> {
    const joining = this.#join(request, dueAt).finally(() => this.#joining.delete(joining));
    this.#joining.add(joining);
    return joining;
  }

  /**
   * Says something that must arrive (settle, resign, leave, forget), repeating it for `forMs`. The next join of the
   * flight waits for the answer, so that a process never meets a lease of its own that it has already given up.
   * Resolves with `undefined` when no answer came.
   */
  say<T>(flight: FlightName, forMs: number, attempt: () => Promise<T>): Promise<T | undefined> {
    const before = this.#unanswered.get(flight.id);
    const said =
      before === undefined ? this.#repeat(forMs, attempt) : before.then(() => this.#repeat(forMs, attempt));
    const tracked = said.finally(() => {
      if (this.#unanswered.get(flight.id) === tracked) this.#unanswered.delete(flight.id);
    });
    this.#unanswered.set(flight.id, tracked);
    return tracked;
  }

  /**
   * Says something whose answer is worth waiting for only until `deadline`: later there is none, however long Redis, or
   * what was said before, still takes. It is said all the same, and before the next join, unless Redis is away.
   */
  async sayBy<T>(flight: FlightName, deadline: number, attempt: () => Promise<T>): Promise<T | undefined> {
    const { availabilityOf, redisTimeoutMs } = this.options;
    const availability = availabilityOf(flight);
    let answer: T | undefined;
    const said = this.say(flight, redisTimeoutMs, async () => {
      if (availability.up || (await availability.whenUp(deadline))) answer = await attempt();
    });
    await this.#within(said, deadline);
    return answer;
  }

  /** Waits until this process leads no flight any more, at most until `deadline`. */
  async quitsLeading(deadline: number): Promise<void> {
    await this.#within(this.leases.emptied(), deadline);
  }

  /** Waits until everything said has been answered or given up, at most until `deadline`; then stops repeating. */
  async farewell(deadline: number): Promise<void> {
    // Joins first: one that is answered with leadership has to give it back.
    await this.#within(Promise.all(this.#joining), deadline);
    await this.#within(Promise.all(this.#unanswered.values()), deadline);
    this.#silenced = true;
  }

  /** What an outcome of this flight has to be signed for; `undefined` without secrets. */
  signedFlight(flight: FlightName, token: string): SignedFlight | undefined {
    const { signatures, coordinator } = this.options;
    if (signatures === undefined) return undefined;
    return { signatures, flightId: flight.id, token, nowMs: coordinator.serverTimeMs(flight) };
  }

  /** What this process is in the flight of this token: somebody else's, or one that it led itself. */
  roleIn(token: string): "leader" | "follower" {
    return parseToken(token)?.process === this.options.processId ? "leader" : "follower";
  }

  emit(event: ClusterEvent): void {
    if (this.options.emitter.active) this.options.emitter.emit(event);
  }

  async #join(request: Omit<JoinRequest, "withinMs">, dueAt: number | undefined): Promise<JoinAnswer> {
    const { clock, coordinator, availabilityOf, inbox, redisTimeoutMs } = this.options;
    const availability = availabilityOf(request.flight);
    const deadline = dueAt ?? clock.now() + redisTimeoutMs;
    if (!availability.up && !(await availability.whenUp(deadline))) return notSent("unavailable");
    // A follower is registered already, and asks because its inbox may be away.
    const newcomer = request.firstGrant === undefined;
    if (newcomer && !inbox.up && !(await inbox.whenUp(deadline))) return notSent("unavailable");
    const unanswered = this.#unanswered.get(request.flight.id);
    if (unanswered !== undefined && !(await this.#within(unanswered, deadline))) return notSent("timeout");
    const sentAt = clock.now();
    if (sentAt >= deadline) return notSent("timeout");
    try {
      const reply = await coordinator.join({ ...request, withinMs: deadline - sentAt });
      availability.succeeded(clock.now() - sentAt);
      // Twice too late: nothing was written.
      if (reply.status === "stale") return notSent("timeout");
      return { reply, sentAt };
    } catch (error) {
      return { failure: availability.failed(error) };
    }
  }

  async #repeat<T>(forMs: number, attempt: () => Promise<T>): Promise<T | undefined> {
    const { clock } = this.options;
    const until = clock.now() + forMs;
    for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(LONGEST_RETRY_MS, pauseMs * 2)) {
      try {
        return await attempt();
      } catch {
        if (this.#silenced || clock.now() + pauseMs >= until) return undefined;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.setTimer(resolve, pauseMs, { unref: true });
      await promise;
    }
  }

  /** False when `promise` has not settled by the deadline. */
  async #within(promise: Promise<unknown>, deadline: number): Promise<boolean> {
    const { clock } = this.options;
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = clock.setTimer(() => resolve(false), Math.max(0, deadline - clock.now()));
    const done = await Promise.race([promise.then(() => true), late]);
    timer.cancel();
    return done;
  }
}

function notSent(reason: FallbackReason): JoinAnswer {
  return { failure: { reason, sent: false } };
}
