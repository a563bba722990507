/**
 * The part that one process plays in the flight of a key, from the first join to the last answer. One at a time:
 * - `joining`    asked, no answer yet. Wake-ups that overtake the answer are kept.
 * - `following`  another process runs the work; see follower.ts. While the process closes it only waits: where it would
 *                run the work itself, its callers are rejected.
 * - `leading`    this process runs it; see leader.ts.
 * - `alone`      this process runs it uncoordinated, and the result says why.
 * - `over`       nothing left to do.
 */
import { AsyncResource } from "node:async_hooks";
import { ClosedError, type FallbackReason } from "@skein/core";
import { background, type Story } from "@skein/core/internal";
import { Attempt } from "./attempt.ts";
import type { Claim } from "./coordinator.ts";
import { FlightAbandonedError, WaitTimeoutError } from "./errors.ts";
import { FallbackRun } from "./fallback.ts";
import type { JoinAnswer } from "./fleet.ts";
import { Follower } from "./follower.ts";
import { ForeignOutcomes } from "./foreign-outcome.ts";
import type { WakeUp } from "./inbox/wake-up.ts";
import { Leader } from "./leader.ts";
import type { TakeoverReason } from "./observer.ts";
import type { ParticipationOptions } from "./participation-options.ts";

type Phase =
  | { readonly is: "joining" }
  | { readonly is: "following"; readonly follower: Follower }
  | { readonly is: "leading"; readonly leader: Leader }
  | { readonly is: "alone"; readonly run: FallbackRun }
  | { readonly is: "over" };

type Answered = Extract<JoinAnswer, { reply: unknown }>;

export class Participation {
  readonly #options: ParticipationOptions;
  readonly #attempt: Attempt;
  readonly #outcomes: ForeignOutcomes;
  readonly #caller = new AsyncResource("SkeinFlight");
  readonly #inCallerContext = <T>(callback: () => T): T => this.#caller.runInAsyncScope(callback);
  #phase: Phase = { is: "joining" };
  #early: WakeUp[] = [];

  constructor(options: ParticipationOptions) {
    this.#options = options;
    this.#attempt = new Attempt(options);
    this.#outcomes = new ForeignOutcomes({
      ...options,
      onArrived: () => this.#stopFollowing(),
      onAnswered: () => this.#end(),
      onUnusable: () => this.#goAlone("unshareable", false),
    });
  }

  /**
   * `deadline`: when the time that Redis may cost this call is over, if some of it has been spent. `known`: why Redis is not
   * to be asked, if that has been looked at.
   */
  start(deadline?: number, known?: FallbackReason): void {
    const { fleet, flight, name } = this.#options;
    flight.ageLimitMs = Infinity;
    const obstacle = known ?? fleet.options.availabilityOf(name).obstacle();
    if (obstacle !== undefined) {
      this.#goAlone(obstacle, false);
      return;
    }
    // Before the join leaves: the wake-up may overtake its reply.
    fleet.wakeUps.add(name.id, this);
    background(this.#join(deadline));
  }

  /** After a hit that turned out to be none: joins once more. */
  startOver(): void {
    if (this.#phase.is === "joining") background(this.#join());
  }

  /** Runs the work here: Redis was asked before the join, and did not answer. */
  readonly startAlone = (reason: FallbackReason): void => this.#goAlone(reason, false);

  /** The callers have been answered without any work. */
  finish(): void {
    if (this.#phase.is === "joining") this.#end();
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
    else if (phase.is === "alone") phase.run.abort();
    // While joining: the answer finds the flight over.
  }

  /** The flight lost its place in this process. What was not started here has nothing to be aborted. */
  onReplaced(reason: Error): void {
    const phase = this.#phase;
    if (phase.is === "leading") phase.leader.resign("evicted", reason);
    else if (phase.is === "alone") phase.run.abort(reason);
  }

  /** The process closes: callers are let go, leadership is given up, waiting ends. */
  onClosed(reason: Error): void {
    const { flight } = this.#options;
    flight.fail(reason, this.#story("local"), "closed");
    const phase = this.#phase;
    if (phase.is === "leading") phase.leader.resign("closed", reason);
    else if (phase.is === "following") this.#leave();
    else if (phase.is === "alone") phase.run.abort(reason);
  }

  async #join(deadline?: number): Promise<void> {
    const answer = await this.#attempt.join(deadline);
    if ("failure" in answer) this.#goAlone(answer.failure.reason, answer.failure.sent);
    else this.#take(answer, "expired");
  }

  #take(answer: Answered, takeoverReason: TakeoverReason | undefined): void {
    const { flight, fleet, entry } = this.#options;
    const { reply, sentAt } = answer;
    if (reply.entry !== undefined) entry?.onGlimpse(reply.entry, reply.status);
    switch (reply.status) {
      case "lead":
        this.#lead(reply.token, reply.takeovers, sentAt, takeoverReason);
        if (this.#phase.is === "leading") entry?.onElected(sentAt);
        return;
      case "follow":
        this.#follow(reply);
        return;
      case "settled":
        this.#outcomes.takeRetained(
          reply,
          this.#phase.is === "following" ? this.#phase.follower.occasion : "newcomer",
        );
        return;
      case "hit":
        this.#stopFollowing();
        this.#phase = { is: "joining" };
        if (flight.over) this.#end();
        else entry?.onHit(sentAt);
        return;
      case "abandoned":
        if (!flight.over) fleet.emit({ type: "abandoned", ...flight.about(), takeovers: reply.takeovers });
        this.#turnAway(new FlightAbandonedError(reply.takeovers, reply.retryAfterMs));
        return;
      case "lost":
        this.#goAlone("leader-lost", false);
        return;
    }
  }

  #lead(token: string, takeovers: number, sentAt: number, takeoverReason: TakeoverReason | undefined): void {
    const { fleet, policy, flight, name, entry } = this.#options;
    const succeeded = this.#phase.is === "following";
    if (succeeded && this.#attempt.onlyWaits && !flight.over) {
      // The place was free and nobody had been lost, so there was nothing not to take over. It is for somebody else.
      this.#giveBack({ token });
      this.#turnAway(new ClosedError(), "closed");
      return;
    }
    this.#stopFollowing();
    if (this.#phase.is === "alone" || flight.over) {
      this.#giveBack({ token });
      if (this.#phase.is !== "alone") this.#end();
      return;
    }
    flight.becomes("leader", token);
    // A place that was free without a loss or a resignation was that of a flight that was forgotten, or is over: whoever
    // gets it has succeeded nobody. That a loss is not counted says nothing: one that was withdrawn is counted once.
    if (takeovers > 0 || (succeeded && takeoverReason !== undefined)) {
      const reason = takeoverReason ?? "expired";
      fleet.emit({ type: "takeover", ...flight.about(token), reason, takeovers });
    }
    const leader = new Leader({
      fleet,
      policy,
      name,
      flight,
      election: { token, takeovers, sentAt },
      entry,
      inCallerContext: this.#inCallerContext,
      onDone: () => this.#end(),
    });
    this.#phase = { is: "leading", leader };
    leader.start();
  }

  #follow(reply: Extract<Answered["reply"], { status: "follow" }>): void {
    const { fleet, policy, flight } = this.#options;
    if (flight.over) {
      this.#attempt.leave();
      this.#end();
      return;
    }
    const follower: Follower = new Follower(
      {
        fleet,
        policy,
        rejoin: (rejoin) => this.#attempt.rejoin(rejoin),
        onReply: (answer, takeoverReason) => this.#take(answer, takeoverReason),
        onOutcome: (token, envelope) => {
          if (!this.#outcomes.takeWakeUp(token, envelope)) follower.joinAgain();
        },
        onLateFailure: () => this.#giveBack(),
        onWaitTimeout: () => this.#timeOut(),
        onUnreachable: ({ reason }) => this.#goAlone(reason, true),
        onNewLeader: (token) => {
          flight.becomes(fleet.roleIn(token), token);
          fleet.emit({ type: "follow", ...flight.about(token) });
        },
      },
      reply,
    );
    this.#phase = { is: "following", follower };
    const early = this.#early;
    this.#early = [];
    for (const wakeUp of early) this.onWakeUp(wakeUp);
  }

  #timeOut(): void {
    const { fleet, policy, flight } = this.#options;
    fleet.emit({ type: "wait-timeout", ...flight.about() });
    this.#attempt.leave();
    if (policy.onWaitTimeout === "local") this.#goAlone("wait-timeout", false);
    else this.#turnAway(new WaitTimeoutError(policy.waitTimeoutMs));
  }

  /** `sent`: a join of ours may yet be, or have been, answered with leadership. */
  #goAlone(reason: FallbackReason, sent: boolean): void {
    const { fleet, policy, flight, fallbackLimit, entry } = this.#options;
    this.#stopFollowing();
    if (flight.over || entry?.optional === true) {
      if (sent) this.#attempt.giveBack();
      this.#end();
      return;
    }
    if (this.#phase.is === "following" && flight.table.closed) {
      if (sent) this.#attempt.withdraw();
      this.#turnAway(new ClosedError(), "closed");
      return;
    }
    flight.becomes("local", flight.localId);
    fleet.emit({ type: "fallback", ...flight.about(), reason });
    const run = new FallbackRun({
      flight,
      policy,
      clock: fleet.options.clock,
      reason,
      limit: fallbackLimit,
      adopts: sent ? this.#attempt.adopt() : undefined,
      inCallerContext: this.#inCallerContext,
      onRefused: (why) => fleet.emit({ type: "fallback-refused", ...flight.about(), reason, why }),
      onEnd: () => this.#end(),
    });
    this.#phase = { is: "alone", run };
    run.start();
  }

  /** The callers get an error that is not the work's. */
  #turnAway(error: Error, ending: "error" | "closed" = "error"): void {
    this.#stopFollowing();
    this.#options.flight.fail(error, this.#story("follower"), ending);
    this.#end();
  }

  /** A leadership won by a join that this process had given up on. The run that replaced that may have adopted it. */
  #giveBack(claim?: Claim): void {
    const phase = this.#phase;
    if (phase.is !== "alone" || !phase.run.adopts) this.#attempt.giveBack(claim);
  }

  #leave(): void {
    this.#attempt.leave();
    this.#stopFollowing();
    this.#end();
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
}
