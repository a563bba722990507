/**
 * The process that runs the work of a key. It keeps its lease until the work is done, then publishes the outcome; its
 * own callers get the outcome whatever becomes of the lease.
 *
 * - `working`: the lease is held as far as is known. Ends in `done`, `displaced` or `resigned`.
 * - `displaced`: somebody else was elected, or the flight was forgotten. The work goes on for local callers alone.
 * - `resigned`: given up on purpose: too old, evicted, unwanted, closed. The work was aborted; its outcome is not shared.
 * - `done`: the work has ended.
 *
 * Not promised: that nobody else runs the work meanwhile. A lease can lapse unnoticed; `leaseLost` says so afterwards.
 */
import { FlightAgedError, FlightUnwantedError, type FlightContext, type Timer } from "@skein/core";
import { background, traceparentOf, type AboutFlight, type Flight, type Story } from "@skein/core/internal";
import { answerCallers } from "./answer-callers.ts";
import type { RenewRequest, ResignReply } from "./coordinator.ts";
import { LeaseLostError } from "./errors.ts";
import type { EntryPart } from "./entry/entry-part.ts";
import { LateCallers } from "./entry/late-callers.ts";
import { Farewells, type SettleAnswer } from "./farewells.ts";
import { parseToken } from "./fencing-token.ts";
import type { Fleet, RenewalAnswer } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import type { WakeUp } from "./inbox/wake-up.ts";
import type { Lease } from "./lease-keeper.ts";
import type { ResignReason } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { Policy } from "./policy.ts";

export interface Election {
  readonly token: string;
  readonly takeovers: number;
  /** When the join that won it left. */
  readonly sentAt: number;
}

export interface LeaderOptions {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly name: FlightName;
  readonly flight: Flight;
  readonly election: Election;
  /** Runs a callback in the asynchronous context of the caller that opened the flight. */
  readonly inCallerContext: <T>(callback: () => T) => T;
  /** A cache keeps what the work yields. */
  readonly entry: EntryPart | undefined;
  /** The work has ended and the callers have been answered. */
  readonly onDone: () => void;
}

type State = "working" | "displaced" | "resigned" | "done";

export class Leader {
  readonly #options: LeaderOptions;
  readonly #story: Story;
  readonly #farewells: Farewells;
  #state: State = "working";
  #lease: Lease<RenewRequest, RenewalAnswer> | undefined;
  #ageTimer: Timer | undefined;
  #leaseLost: AbortController | undefined;
  #lostWhy: LeaseLostError["why"] | undefined;
  /** Every local caller has left; the fleet may still want the outcome. */
  #unwanted = false;
  /** The span of the execution, if it has one. */
  #traceparent: string | undefined;
  #offering = false;
  /** The last follower left while an offer was under way, whose answer may be older than that. */
  #offerAgain = false;

  constructor(options: LeaderOptions) {
    const { token, takeovers } = options.election;
    this.#options = options;
    this.#story = { role: "leader", flightId: token, takeovers };
    this.#farewells = new Farewells(options.fleet, options.policy, options.name);
  }

  start(): void {
    const { fleet, policy, name, flight, election, inCallerContext } = this.#options;
    const { token, takeovers, sentAt } = election;
    const { leaseMs, renewEveryMs, maxTakeovers, maxAgeMs } = policy;
    fleet.emit({ type: "lead", ...this.#about(), takeovers });
    this.#lease = fleet.leases.hold(
      { flight: name, token, leaseMs, maxTakeovers },
      { leaseMs, renewEveryMs },
      sentAt,
      {
        onRenewed: ({ reply }) => {
          if (this.#unwanted && reply.status === "held" && reply.followers === 0) this.#offerResignation();
        },
        onLost: ({ reply }) => this.#displace(reply.status === "forgotten" ? "forgotten" : "fenced"),
        onExpired: () => this.#tellLeaseLost("expired"),
      },
    );
    this.#ageTimer = fleet.options.clock.setTimer(() => this.#age(), maxAgeMs);
    const execution = inCallerContext(() => flight.execute(flight.work, this.#context(token, takeovers)));
    // Now: when the work has ended, its span has too.
    this.#traceparent = traceparentOf(fleet.options.emitter.observers, token);
    background(
      execution.then(
        (value) => this.#finish({ kind: "value", value }),
        (error: unknown) => this.#finish({ kind: "error", error }),
      ),
    );
  }

  onWakeUp(wakeUp: WakeUp): void {
    if (wakeUp.token !== this.#options.election.token) return;
    if (wakeUp.kind === "forgotten") this.#displace("forgotten");
    if (wakeUp.kind === "unwanted" && this.#unwanted) this.#offerResignation();
  }

  /** The last local caller left. Others in the fleet may still be waiting: the work goes on until they say no. */
  onUnwanted(): void {
    this.#unwanted = true;
    if (this.#state === "working") this.#offerResignation();
    else this.#options.flight.abort(new FlightUnwantedError());
  }

  /** Gives leadership up and aborts the work, whose callers still get what it yields. */
  resign(reason: ResignReason, abortReason: Error): void {
    const { flight } = this.#options;
    if (this.#state === "working") {
      this.#leave("resigned");
      background(this.#sayResigned(reason));
    }
    // Displaced or not: nothing is left that age would change.
    this.#ageTimer?.cancel();
    flight.abort(abortReason);
  }

  #finish(outcome: Outcome): void {
    const { fleet, flight, onDone, policy, entry, election } = this.#options;
    const { aborted } = flight;
    const working = this.#state === "working";
    const apart = outcome.kind === "error" && flight.failsApart;
    const awaits = working && entry?.optional === false && !apart;
    const late = awaits ? LateCallers.of(flight, election.sentAt) : undefined;
    // A promise settles before an overdue timer fires: look at the clock before anything is published.
    const holds = working && this.#lease?.hasExpired() === false;
    this.#leave("done");
    answerCallers(flight, outcome, this.#story);
    if (aborted && outcome.kind === "value") fleet.emit({ type: "abort-ignored", ...this.#about() });
    if (working) {
      const withheld = apart || (outcome.kind === "error" && !policy.sharesError(outcome.error));
      const said = withheld ? this.#sayResigned("error-withheld") : this.#sayOutcome(outcome, holds);
      const limit = { clock: fleet.options.clock, ms: fleet.options.redisTimeoutMs };
      const isTheirs = said.then((reply) => reply?.status !== "fenced");
      if (late !== undefined) background(late.answer(isTheirs, outcome, this.#story, limit));
    }
    onDone();
  }

  /** `holds`: the lease has not run out, as far as this process can tell; else nothing goes into a cache. */
  #sayOutcome(outcome: Outcome, holds: boolean): Promise<SettleAnswer | undefined> {
    const { fleet, election, entry, flight } = this.#options;
    const { token, takeovers } = election;
    const { clock } = fleet.options;
    const endedAt = clock.now();
    const nonce = parseToken(token)?.nonce ?? "";
    const origin = { takeovers, traceparent: this.#traceparent };
    const tookMs = endedAt - (flight.startedAt ?? endedAt);
    const plan = holds ? entry?.plan(token, outcome, tookMs) : undefined;
    const { bytes, unshareable, reply } = this.#farewells.settle({ token }, nonce, outcome, origin, plan);
    if (unshareable !== false) fleet.emit({ type: "unshareable", ...this.#about(), why: unshareable });
    const kind = unshareable === false ? outcome.kind : "unshareable";
    background(
      reply.then((answered) => {
        this.#tellSettled(answered, kind, bytes, clock.now() - endedAt);
        if (answered !== undefined && answered.status !== "fenced") plan?.onSettled();
      }),
    );
    return reply;
  }

  #tellSettled(
    reply: SettleAnswer | undefined,
    outcome: Outcome["kind"],
    bytes: number,
    tookMs: number,
  ): void {
    const { fleet } = this.#options;
    if (reply === undefined) fleet.emit({ type: "settle-lost", ...this.#about() });
    else if (reply.status === "fenced") fleet.emit({ type: "settle-fenced", ...this.#about() });
    else {
      const { woken, settles } = reply;
      fleet.emit({ type: "settle-accepted", ...this.#about(), outcome, bytes, woken, tookMs, settles });
    }
  }

  #sayResigned(reason: ResignReason): Promise<ResignReply | undefined> {
    const { fleet, election } = this.#options;
    fleet.emit({ type: "resign", ...this.#about(), reason });
    return this.#farewells.resign({ token: election.token }, reason === "aged");
  }

  /** Resigns if the fleet agrees that nobody waits; otherwise tries again when told, or at the next renewal. */
  #offerResignation(): void {
    if (this.#state !== "working") return;
    this.#offerAgain = this.#offering;
    if (this.#offering) return;
    this.#offering = true;
    const offered = this.#farewells.resignIfUnwanted({ token: this.#options.election.token });
    background(offered.then((reply) => this.#onOffered(reply)));
  }

  #onOffered(reply: ResignReply | undefined): void {
    const { fleet, flight } = this.#options;
    this.#offering = false;
    if (reply === undefined || reply.status === "wanted" || this.#state !== "working") {
      if (this.#offerAgain) this.#offerResignation();
      return;
    }
    this.#leave("resigned");
    fleet.emit({ type: "resign", ...this.#about(), reason: "unwanted" });
    flight.abort(new FlightUnwantedError());
  }

  #age(): void {
    const { fleet, flight, policy } = this.#options;
    if (this.#state === "done" || this.#state === "resigned") return;
    flight.table.detach(flight);
    fleet.emit({ type: "flight-aged", ...this.#about() });
    this.resign("aged", new FlightAgedError(policy.maxAgeMs));
  }

  #displace(why: "fenced" | "forgotten"): void {
    const { fleet, flight } = this.#options;
    if (this.#state !== "working") return;
    this.#lease?.release();
    this.#state = "displaced";
    // Whoever calls from now on belongs to the flight that the fleet knows.
    flight.table.detach(flight);
    if (why === "fenced") fleet.emit({ type: "settle-fenced", ...this.#about() });
    this.#tellLeaseLost(why);
    if (this.#unwanted) flight.abort(new FlightUnwantedError());
  }

  #leave(state: "resigned" | "done"): void {
    this.#state = state;
    this.#lease?.release();
    this.#ageTimer?.cancel();
  }

  #tellLeaseLost(why: LeaseLostError["why"]): void {
    if (this.#lostWhy !== undefined) return;
    this.#lostWhy = why;
    this.#options.fleet.emit({ type: "lease-lost", ...this.#about(), why });
    this.#leaseLost?.abort(new LeaseLostError(why));
  }

  /** What the work is told. `leaseLost` is made when it is first looked at: most work never does. */
  #context(token: string, takeovers: number): FlightContext {
    const leaseLost = (): AbortSignal => {
      if (this.#leaseLost === undefined) {
        this.#leaseLost = new AbortController();
        if (this.#lostWhy !== undefined) this.#leaseLost.abort(new LeaseLostError(this.#lostWhy));
      }
      return this.#leaseLost.signal;
    };
    return {
      key: this.#options.flight.key,
      flightId: token,
      takeovers,
      fencingToken: token,
      get leaseLost() {
        return leaseLost();
      },
    };
  }

  #about(): AboutFlight {
    const { flight, election } = this.#options;
    return flight.about(election.token);
  }
}
