/**
 * The part that one process plays in the flight of a key, from the first join to the last answer. One at a time:
 * - `joining`    asked, no answer yet. Wake-ups that overtake the answer are kept.
 * - `following`  another process runs the work; see follower.ts.
 * - `leading`    this process runs it; see leader.ts.
 * - `alone`      this process runs it uncoordinated, and the result says why.
 * - `over`       nothing left to do.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { FlightUnwantedError, type FallbackReason } from "@skein/core";
import { background, type Flight, type Pilot, type Story } from "@skein/core/internal";
import type { JoinRequest } from "./coordinator.ts";
import { openOutcome, sealOutcome, type OpenedOutcome } from "./envelope.ts";
import { CoordinationUnavailableError, FlightAbandonedError, WaitTimeoutError } from "./errors.ts";
import { runAlone, type FallbackLimit } from "./fallback.ts";
import { parseToken } from "./fencing-token.ts";
import type { Fleet, JoinAnswer } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import { Follower, type Rejoin } from "./follower.ts";
import type { WakeUp } from "./inbox/wake-up.ts";
import { Leader } from "./leader.ts";
import type { TakeoverReason } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { Policy } from "./policy.ts";
import { checkForeignValue } from "./standard-schema.ts";

type Phase =
  | { readonly is: "joining" }
  | { readonly is: "following"; readonly follower: Follower }
  | { readonly is: "leading"; readonly leader: Leader }
  | { readonly is: "alone"; readonly adopts: boolean }
  | { readonly is: "over" };

type Answered = Extract<JoinAnswer, { reply: unknown }>;

const NONCE_LENGTH = 12;
/** A registration outlives this many polls that did not come. */
const POLLS_PER_REGISTRATION = 3;

export interface ParticipationOptions {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly pilot: Pilot;
  readonly flight: Flight;
  readonly name: FlightName;
  readonly fallbackLimit: FallbackLimit;
  readonly onOver: () => void;
}

export class Participation {
  readonly #options: ParticipationOptions;
  readonly #nonce: string;
  readonly #inCallerContext = AsyncLocalStorage.snapshot() as <T>(callback: () => T) => T;
  #phase: Phase = { is: "joining" };
  #early: WakeUp[] = [];
  readonly #startedAt: number;

  constructor(options: ParticipationOptions) {
    this.#options = options;
    this.#startedAt = options.fleet.options.clock.now();
    this.#nonce = options.fleet.options.randomness.identifier(NONCE_LENGTH);
  }

  start(): void {
    const { fleet, flight, name } = this.#options;
    flight.ageLimitMs = Infinity;
    const obstacle = fleet.options.availability.obstacle();
    if (obstacle !== undefined) {
      this.#goAlone(obstacle, false);
      return;
    }
    // Before the join leaves: the wake-up may overtake its reply.
    fleet.wakeUps.add(name.id, this);
    background(this.#join());
  }

  onWakeUp(wakeUp: WakeUp): void {
    const phase = this.#phase;
    if (phase.is === "following") phase.follower.onWakeUp(wakeUp);
    else if (phase.is === "leading") phase.leader.onWakeUp(wakeUp);
    else if (phase.is === "joining") this.#early.push(wakeUp);
  }

  onInboxBack(): void {
    if (this.#phase.is === "following") this.#phase.follower.joinAgain();
  }

  /** The last local caller left. */
  onUnwanted(): void {
    const phase = this.#phase;
    if (phase.is === "leading") phase.leader.onUnwanted();
    else if (phase.is === "following") this.#leave();
    else if (phase.is === "alone") this.#abortAlone();
    // While joining: the answer finds the flight over.
  }

  /** The flight lost its place in this process. What was not started here has nothing to be aborted. */
  onReplaced(reason: Error): void {
    const phase = this.#phase;
    if (phase.is === "leading") phase.leader.resign("evicted", reason);
    else if (phase.is === "alone") {
      this.#options.flight.abort(reason);
      if (phase.adopts) this.#giveUpJoin();
    }
  }

  /** The process closes: callers are let go, leadership is given up, waiting ends. */
  onClosed(reason: Error): void {
    const { flight } = this.#options;
    flight.fail(reason, this.#story("local"), "closed");
    const phase = this.#phase;
    if (phase.is === "leading") phase.leader.resign("closed", reason);
    else if (phase.is === "following") this.#leave();
    else if (phase.is === "alone") this.#abortAlone(reason);
  }

  async #join(): Promise<void> {
    const answer = await this.#options.fleet.join(this.#request(undefined));
    if ("failure" in answer) this.#goAlone(answer.failure.reason, answer.failure.sent);
    else this.#take(answer, "expired");
  }

  #request(rejoin: Rejoin | undefined): Omit<JoinRequest, "withinMs"> {
    const { fleet, policy, name } = this.#options;
    const { leaseMs, maxTakeovers, abandonMs, freshMs, onLeaderLoss } = policy;
    const request = {
      flight: name,
      nonce: this.#nonce,
      leaseMs,
      maxTakeovers,
      abandonMs,
      freshMs,
      firstGrant: rejoin?.firstGrant,
      registrationMs: fleet.options.pollEveryMs * POLLS_PER_REGISTRATION + fleet.options.redisTimeoutMs,
      takesOver: onLeaderLoss === "takeover",
    };
    return rejoin?.depose === undefined ? request : { ...request, depose: rejoin.depose };
  }

  #take(answer: Answered, takeoverReason: TakeoverReason): void {
    const { flight, fleet } = this.#options;
    const { reply, sentAt } = answer;
    switch (reply.status) {
      case "lead":
        this.#lead(reply.token, reply.takeovers, sentAt, takeoverReason);
        return;
      case "follow":
        this.#follow(reply);
        return;
      case "settled":
        this.#takeRetained(reply.token, reply.outcome, reply.ageMs);
        return;
      case "abandoned":
        if (!flight.over) fleet.emit({ type: "abandoned", ...this.#about(), takeovers: reply.takeovers });
        flight.fail(new FlightAbandonedError(reply.takeovers, reply.retryAfterMs), this.#story("follower"));
        this.#end();
        return;
      case "lost":
        this.#goAlone("leader-lost", false);
        return;
    }
  }

  #lead(token: string, takeovers: number, sentAt: number, takeoverReason: TakeoverReason): void {
    const { fleet, policy, flight, name } = this.#options;
    // A leadership won by a join that this process had given up on is adopted by the run that replaced it.
    if (this.#phase.is === "alone") return;
    const succeeded = this.#phase.is === "following";
    this.#stopFollowing();
    if (flight.over) {
      const request = { flight: name, claim: { token }, countsAsTakeover: false, ifUnwanted: false };
      background(fleet.say(name, policy.leaseMs, () => fleet.options.coordinator.resign(request)));
      this.#end();
      return;
    }
    if (succeeded || takeovers > 0) {
      fleet.emit({ type: "takeover", ...this.#about(token), reason: takeoverReason, takeovers });
    }
    const leader = new Leader({
      fleet,
      policy,
      name,
      flight,
      election: { token, takeovers, sentAt },
      inCallerContext: this.#inCallerContext,
      onDone: () => this.#end(),
    });
    this.#phase = { is: "leading", leader };
    leader.start();
  }

  #follow(reply: Extract<Answered["reply"], { status: "follow" }>): void {
    const { fleet, policy, flight } = this.#options;
    if (flight.over) {
      this.#sayLeave();
      this.#end();
      return;
    }
    const follower: Follower = new Follower(
      {
        fleet,
        policy,
        rejoin: (rejoin) => fleet.join(this.#request(rejoin)),
        onReply: (answer, deposed) =>
          this.#take(answer, deposed ? "deposed" : follower.resigned ? "resigned" : "expired"),
        onOutcome: (token, envelope) => this.#takeWakeUp(token, envelope),
        onWaitTimeout: () => this.#timeOut(),
        onUnreachable: ({ reason }) => this.#goAlone(reason, true),
        onNewLeader: (token) => fleet.emit({ type: "follow", ...this.#about(token) }),
      },
      reply,
    );
    this.#phase = { is: "following", follower };
    const early = this.#early;
    this.#early = [];
    for (const wakeUp of early) this.onWakeUp(wakeUp);
  }

  #takeWakeUp(token: string, envelope: Uint8Array): void {
    const { fleet } = this.#options;
    const opened = this.#open(token, envelope);
    if (!opened.ok) {
      // The retained copy may be sound.
      if (this.#phase.is === "following") this.#phase.follower.joinAgain();
      return;
    }
    const waitedMs = fleet.options.clock.now() - this.#startedAt;
    fleet.emit({ type: "woken", ...this.#about(token), waitedMs, bytes: envelope.length });
    this.#accept(token, opened, undefined);
  }

  #takeRetained(token: string, envelope: Uint8Array, ageMs: number): void {
    const { fleet, policy } = this.#options;
    const opened = this.#open(token, envelope);
    if (!opened.ok) {
      this.#goAlone("unshareable", false);
      return;
    }
    if (this.#phase.is === "following") fleet.emit({ type: "wakeup-missed", ...this.#about(token) });
    // Whoever called after the settlement may not have this outcome, unless the prefix says how old it may be.
    this.#accept(token, opened, fleet.options.clock.now() - ageMs + policy.freshMs);
  }

  #open(token: string, envelope: Uint8Array): OpenedOutcome {
    const { fleet, policy, flight } = this.#options;
    const opened = openOutcome(envelope, { codec: policy.codec, nonce: parseToken(token)?.nonce ?? "" });
    if (!opened.ok) {
      fleet.emit({ type: "rejected", keyPrefix: flight.table.about(flight.key, "").keyPrefix, why: opened.why });
    }
    return opened;
  }

  #accept(token: string, opened: Extract<OpenedOutcome, { ok: true }>, settledBy: number | undefined): void {
    const { policy } = this.#options;
    this.#stopFollowing();
    const { outcome, takeovers } = opened;
    if (outcome.kind === "unshareable") {
      this.#goAlone("unshareable", false);
    } else if (outcome.kind === "value" && policy.schema !== undefined) {
      background(this.#acceptChecked(token, outcome.value, takeovers, settledBy));
    } else {
      this.#answer(token, outcome, takeovers, settledBy);
    }
  }

  async #acceptChecked(token: string, value: unknown, takeovers: number, settledBy: number | undefined): Promise<void> {
    const { fleet, policy, flight } = this.#options;
    const checked = await checkForeignValue(policy.schema, value);
    if (checked.ok) {
      this.#answer(token, { kind: "value", value: checked.value }, takeovers, settledBy);
      return;
    }
    fleet.emit({ type: "rejected", keyPrefix: flight.table.about(flight.key, "").keyPrefix, why: "schema" });
    this.#goAlone("unshareable", false);
  }

  #answer(token: string, outcome: Outcome, takeovers: number, settledBy: number | undefined): void {
    const { flight, pilot } = this.#options;
    const late = settledBy === undefined ? [] : flight.takeLaterThan(settledBy);
    const story: Story = { role: "follower", flightId: token, takeovers };
    if (outcome.kind === "value") flight.land(outcome.value, story);
    else if (outcome.kind === "error") flight.fail(outcome.error, story);
    this.#end();
    flight.table.rehome(flight.key, late, pilot);
  }

  #timeOut(): void {
    const { fleet, policy, flight } = this.#options;
    fleet.emit({ type: "wait-timeout", ...this.#about() });
    this.#sayLeave();
    if (policy.onWaitTimeout === "local") {
      this.#goAlone("wait-timeout", false);
      return;
    }
    flight.fail(new WaitTimeoutError(policy.waitTimeoutMs), this.#story("follower"));
    this.#end();
  }

  /** `sent`: a join of ours may yet be, or have been, answered with leadership. The run then settles in its name. */
  #goAlone(reason: FallbackReason, sent: boolean): void {
    const { fleet, policy, flight, fallbackLimit } = this.#options;
    this.#stopFollowing();
    if (flight.over) {
      if (sent) this.#giveUpJoin();
      this.#end();
      return;
    }
    fleet.emit({ type: "fallback", ...this.#about(), reason });
    if (policy.onUnavailable === "error" && isUnavailability(reason)) {
      if (sent) this.#giveUpJoin();
      flight.fail(new CoordinationUnavailableError(reason), this.#story("local"));
      this.#end();
      return;
    }
    this.#phase = { is: "alone", adopts: sent };
    flight.ageLimitMs = policy.maxAgeMs;
    runAlone({
      flight,
      reason,
      limit: fallbackLimit,
      inCallerContext: this.#inCallerContext,
      onOutcome: (outcome) => {
        if (sent && !flight.aborted) this.#settleAdopted(outcome);
      },
      onOver: () => this.#end(),
    });
  }

  /** The join may have been won without our hearing of it: then others follow us, and this is what they wait for. */
  #settleAdopted(outcome: Outcome): void {
    const { fleet, policy, name } = this.#options;
    const { codec, maxOutcomeBytes, retainMs, inlineMaxBytes } = policy;
    if (outcome.kind === "error" && !policy.sharesError(outcome.error)) {
      this.#giveUpJoin();
      return;
    }
    const sealed = sealOutcome(outcome, { codec, nonce: this.#nonce, takeovers: 0, maxOutcomeBytes });
    const request = {
      flight: name,
      claim: { nonce: this.#nonce },
      outcome: sealed.bytes,
      unshareable: sealed.unshareable !== false,
      retainMs,
      inlineMaxBytes,
    };
    background(fleet.say(name, policy.leaseMs, () => fleet.options.coordinator.settle(request)));
  }

  #giveUpJoin(): void {
    const { fleet, policy, name } = this.#options;
    const claim = { nonce: this.#nonce };
    const request = { flight: name, claim, countsAsTakeover: false, ifUnwanted: false };
    background(fleet.say(name, policy.leaseMs, () => fleet.options.coordinator.resign(request)));
  }

  #abortAlone(reason?: Error): void {
    const { flight } = this.#options;
    if (this.#phase.is !== "alone") return;
    if (this.#phase.adopts) this.#giveUpJoin();
    flight.abort(reason ?? new FlightUnwantedError());
  }

  #leave(): void {
    this.#sayLeave();
    this.#stopFollowing();
    this.#end();
  }

  #sayLeave(): void {
    const { fleet, policy, name } = this.#options;
    const request = { flight: name, nonce: this.#nonce };
    background(fleet.say(name, policy.leaseMs, () => fleet.options.coordinator.leave(request)));
  }

  #stopFollowing(): void {
    if (this.#phase.is === "following") this.#phase.follower.stop();
  }

  #end(): void {
    const { fleet, name, onOver } = this.#options;
    this.#phase = { is: "over" };
    this.#early = [];
    fleet.wakeUps.remove(name.id, this);
    onOver();
  }

  #story(role: Story["role"]): Story {
    return { role, flightId: this.#options.flight.localId, takeovers: 0 };
  }

  #about(token?: string): { keyPrefix: string; flightId: string; key?: string } {
    const { flight } = this.#options;
    return flight.table.about(flight.key, token ?? flight.localId);
  }
}

function isUnavailability(reason: FallbackReason): boolean {
  return reason !== "unshareable" && reason !== "wait-timeout" && reason !== "leader-lost";
}
