/**
 * A process that waits for another's flight. A wake-up ends the wait early; everything else is found out by joining
 * again: when the inbox comes back, when the lease should have ended, when the leader looks dead, and every
 * `pollEveryMs` in any case. It trusts its own monotonic clock for all of these. Not promised: that the first outcome
 * to arrive is the last one published; only that it was settled after this process joined.
 */
import type { Timer } from "@skein/core";
import { background } from "@skein/core/internal";
import type { DeathEvidence, JoinReply } from "./coordinator.ts";
import { grantOf, parseToken } from "./fencing-token.ts";
import type { Fleet, JoinAnswer, JoinFailure } from "./fleet.ts";
import type { Occasion } from "./foreign-outcome.ts";
import type { WakeUp } from "./inbox/wake-up.ts";
import type { Rejoin } from "./join-request.ts";
import type { Watch } from "./leader-watch.ts";
import type { TakeoverReason } from "./observer.ts";
import type { Policy } from "./policy.ts";

/** A follower that cannot reach Redis gives up after so long without an answer, or after its lease if that is shorter. */
const MAX_SILENCE_MS = 3_000;
/** No option allows a longer lease: whatever says so is not one of us. */
const MAX_LEASE_MS = 600_000;
/** Re-joins for the end of a lease are spread over this share of it, so that a crowd does not come at once. */
const JITTER = 0.05;

type FollowReply = Extract<JoinReply, { status: "follow" }>;

export interface FollowerOptions {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly rejoin: (rejoin: Rejoin) => Promise<JoinAnswer>;
  /**
   * Something other than "follow on": the wait is over. `takeoverReason`: should it lead now; undefined when nothing tells
   * that the leader was lost.
   */
  readonly onReply: (
    answer: Extract<JoinAnswer, { reply: unknown }>,
    takeoverReason: TakeoverReason | undefined,
  ) => void;
  /** An outcome arrived by wake-up. */
  readonly onOutcome: (token: string, envelope: Uint8Array) => void;
  /** A re-join that outlived the wait got no answer: it may yet be, or have been, answered with leadership. */
  readonly onLateFailure: () => void;
  readonly onWaitTimeout: () => void;
  readonly onUnreachable: (failure: JoinFailure) => void;
  /** The followed flight changed: a new leader, whose token this is. */
  readonly onNewLeader: (token: string) => void;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #firstGrant: number;
  /** The leader's, if that is longer than ours: releases may differ during a deploy, and a leader beats at its own pace. */
  #leaseMs: number;
  #token = "";
  #beat = "";
  /** When token or beat last changed, as far as this process saw. */
  #beatChangedAt = 0;
  /** When the lease should have ended, as far as this process saw. */
  #leaseDueAt = 0;
  /** When to ask whether it has: later by the jitter. */
  #leaseEndsAt = 0;
  #waitEndsAt = 0;
  #heardAt = 0;
  #timer: Timer | undefined;
  #watch: Watch | undefined;
  #rejoining = false;
  /** Asked to re-join while a re-join was under way, and whom to depose then. */
  #again: { readonly depose: Rejoin["depose"] } | undefined;
  #over = false;
  /** The leader said itself that its place is free. */
  #resigned = false;
  /** A wake-up said that the flight was forgotten: its leader was not lost. */
  #forgotten = false;
  /** A wake-up said that there is an outcome to be fetched. */
  #pointed = false;

  constructor(options: FollowerOptions, reply: FollowReply) {
    this.#options = options;
    this.#firstGrant = grantOf(reply.token);
    this.#leaseMs = options.policy.leaseMs;
    this.#take(reply);
  }

  get token(): string {
    return this.#token;
  }

  /** Why an outcome is found by joining again. */
  get occasion(): Occasion {
    return this.#pointed ? "pointed" : "unprompted";
  }

  onWakeUp(wakeUp: WakeUp): void {
    if (this.#over) return;
    switch (wakeUp.kind) {
      case "settled":
        // An outcome of an earlier flight was settled before this process joined.
        if (grantOf(wakeUp.token) >= this.#firstGrant) this.#options.onOutcome(wakeUp.token, wakeUp.outcome);
        return;
      case "resigned":
        this.#resigned = true;
        this.joinAgain();
        return;
      case "pointer":
        this.#pointed = true;
        this.joinAgain();
        return;
      case "forgotten":
        // It may be late, and of a leader before this one.
        if (wakeUp.token === this.#token) this.#forgotten = true;
        this.joinAgain();
        return;
      case "unwanted":
        // For leaders.
        return;
    }
  }

  /** Joins again now; while one re-join is under way, once more after it. */
  joinAgain(evidence?: DeathEvidence): void {
    if (this.#over) return;
    // Of the leader and the beat that it was gathered for: by the time of the re-join they may be others.
    const depose = evidence === undefined ? undefined : { token: this.#token, beat: this.#beat, evidence };
    if (this.#rejoining) this.#again = { depose: depose ?? this.#again?.depose };
    else background(this.#rejoin(depose));
  }

  stop(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#watch?.stop();
  }

  async #rejoin(depose: Rejoin["depose"]): Promise<void> {
    const { clock, coordinator } = this.#options.fleet.options;
    // A lease that has ended by now needs no evidence.
    const hasEnded = clock.now() >= this.#leaseDueAt;
    const deposes = depose !== undefined && coordinator.deposes === true && !hasEnded;
    const lost = deposes ? "deposed" : hasEnded || depose !== undefined ? "expired" : undefined;
    this.#rejoining = true;
    const answer = await this.#options.rejoin(
      depose === undefined ? { firstGrant: this.#firstGrant } : { firstGrant: this.#firstGrant, depose },
    );
    this.#rejoining = false;
    if (this.#over) {
      // Nobody waits any more, but a leadership that came of it, or may have, must be given back.
      if ("failure" in answer) {
        if (answer.failure.sent) this.#options.onLateFailure();
      } else if (answer.reply.status === "lead") {
        this.#options.onReply(answer, "expired");
      }
      return;
    }
    if ("failure" in answer) this.#onFailure(answer.failure);
    else if (answer.reply.status === "follow") this.#take(answer.reply);
    else this.#options.onReply(answer, this.#takeoverReason(lost));
    const again = this.#again;
    this.#again = undefined;
    if (again !== undefined && !this.#over) background(this.#rejoin(again.depose));
  }

  #takeoverReason(lost: TakeoverReason | undefined): TakeoverReason | undefined {
    if (this.#forgotten) return undefined;
    return this.#resigned ? "resigned" : lost;
  }

  #onFailure(failure: JoinFailure): void {
    const { policy, fleet } = this.#options;
    const { clock, redisTimeoutMs } = fleet.options;
    if (clock.now() - this.#heardAt >= Math.min(policy.leaseMs, MAX_SILENCE_MS)) {
      this.#options.onUnreachable(failure);
    } else this.#wakeIn(Math.min(redisTimeoutMs, fleet.options.pollEveryMs));
  }

  #take(reply: FollowReply): void {
    const { policy, fleet, onNewLeader } = this.#options;
    const { clock, randomness } = fleet.options;
    const now = clock.now();
    this.#heardAt = now;
    this.#leaseMs = Math.max(policy.leaseMs, Math.min(reply.leaderLeaseMs, MAX_LEASE_MS));
    const moved = reply.token !== this.#token || reply.beat !== this.#beat;
    if (reply.token !== this.#token) {
      this.#token = reply.token;
      this.#resigned = false;
      this.#forgotten = false;
      this.#pointed = false;
      this.#waitEndsAt = now + policy.waitTimeoutMs;
      this.#beat = reply.beat;
      this.#beatChangedAt = now;
      this.#watchLeader(reply);
      onNewLeader(reply.token);
    } else if (reply.beat !== this.#beat) {
      this.#beat = reply.beat;
      this.#beatChangedAt = now;
    }
    this.#watch?.confirm(moved);
    // A clock jump at the server must not stretch a lease.
    const remaining = Math.min(reply.remainingMs, this.#leaseMs);
    this.#leaseDueAt = now + remaining;
    this.#leaseEndsAt = this.#leaseDueAt + randomness.fraction() * JITTER * this.#leaseMs;
    this.#wakeIn(fleet.options.pollEveryMs);
  }

  #watchLeader(reply: FollowReply): void {
    const { fleet } = this.#options;
    this.#watch?.stop();
    this.#watch = undefined;
    const leader = parseToken(reply.token)?.process;
    // Only pub/sub inboxes show whether somebody listens; our own would tell us nothing.
    if (leader === undefined || leader === fleet.options.processId || reply.leaderTransport !== "p") return;
    this.#watch = fleet.watch.watch(leader, {
      onSuspect: () => this.joinAgain(),
      onSilent: () => this.joinAgain("inbox"),
    });
  }

  #wakeIn(delayMs: number): void {
    const { clock } = this.#options.fleet.options;
    const now = clock.now();
    const silenceEndsAt = this.#heardAt + Math.min(this.#options.policy.leaseMs, MAX_SILENCE_MS);
    const moment = Math.min(
      now + delayMs,
      Math.max(this.#leaseEndsAt, now + 1),
      silenceEndsAt,
      this.#waitEndsAt,
    );
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => this.#onTimer(), Math.max(0, moment - now));
  }

  #onTimer(): void {
    const { fleet, onWaitTimeout } = this.#options;
    const now = fleet.options.clock.now();
    if (now >= this.#waitEndsAt) {
      onWaitTimeout();
      return;
    }
    const dead = now - this.#beatChangedAt >= this.#leaseMs;
    this.joinAgain(dead ? "beat" : undefined);
  }
}
