/**
 * Keeps leases alive, many in one round trip, and very many in several. Knows nothing of Redis: it is given a way to renew and a clock. A lease is
 * - `held`     granted, not yet renewed;
 * - `renewed`  confirmed at least once since;
 * - `unknown`  a renewal got no answer, so nobody here can say whether it still holds;
 * - `lost`     the coordinator said so. Terminal.
 * Independently of that, its own deadline may have passed: lease time starts before a request leaves, on the monotonic
 * clock, so a process that was paused finds out without asking.
 */
import { background } from "@skein/core/internal";
import type { Clock, Timer } from "@skein/core";

/** Leases renewed by one request: few enough to be answered well within a time limit of their own. */
const MAX_BATCH = 200;
/** Requests that have no answer yet; with so many under way the others wait their turn. */
const MAX_UNDER_WAY = 4;

export type LeaseState = "held" | "renewed" | "unknown" | "lost";

export interface LeaseTerms {
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

/** The answer to a renewal: whether the lease holds, and what else the coordinator said. */
export interface RenewalAnswer {
  readonly holds: boolean;
}

export interface LeaseListener<A extends RenewalAnswer> {
  onRenewed(answer: A): void;
  /** The coordinator refused. Called once; the lease is no longer kept. */
  onLost(answer: A): void;
  /** The lease's own deadline passed without an answer. Called once; renewals go on, for it may still hold. */
  onExpired(): void;
}

/** Sends renewals of these subjects, at most `MAX_BATCH`, in one round trip; an Error is an answer that did not come. */
export type RenewAll<S, A> = (subjects: readonly S[]) => Promise<readonly (A | Error)[]>;

export class LeaseKeeper<S, A extends RenewalAnswer> {
  readonly #clock: Clock;
  readonly #renewAll: RenewAll<S, A>;
  readonly #leases = new Set<Lease<S, A>>();
  /** Due, and not sent yet. */
  readonly #due: Lease<S, A>[] = [];
  #underWay = 0;
  #onEmpty: (() => void) | undefined;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #paceMs = Infinity;

  constructor(clock: Clock, renewAll: RenewAll<S, A>) {
    this.#clock = clock;
    this.#renewAll = renewAll;
  }

  /** `grantedAt`: when the request for the lease left, on the clock's scale. */
  hold(subject: S, terms: LeaseTerms, grantedAt: number, listener: LeaseListener<A>): Lease<S, A> {
    const lease = new Lease(this, subject, terms, grantedAt, listener);
    lease.nextRenewalAt = Math.max(this.#clock.now(), grantedAt + Math.min(terms.renewEveryMs, this.#paceMs));
    this.#leases.add(lease);
    this.#wakeBy(lease.nextEventAt);
    return lease;
  }

  release(lease: Lease<S, A>): void {
    this.#leases.delete(lease);
    if (this.#leases.size === 0) this.#onEmpty?.();
  }

  /** Resolves when no lease is kept any more. For one who waits at a time. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#leases.size === 0) resolve();
      else this.#onEmpty = resolve;
    });
  }

  /** Renews everything now, and every `paceMs` until told otherwise (`undefined`: at each lease's own pace). */
  hurry(paceMs: number | undefined): void {
    this.#paceMs = paceMs ?? Infinity;
    if (paceMs === undefined) return;
    for (const lease of this.#leases) lease.nextRenewalAt = 0;
    if (this.#leases.size > 0) this.#tick();
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Whether its deadline has passed; tells the listener, once. */
  checkDeadline(lease: Lease<S, A>): boolean {
    if (this.#clock.now() < lease.deadline) return false;
    if (!lease.expired) {
      lease.expired = true;
      lease.listener.onExpired();
    }
    return true;
  }

  #wakeBy(moment: number): void {
    if (moment >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = moment;
    // Left running when the last lease is released: short flights would otherwise start and stop one timer each.
    this.#timer = this.#clock.setTimer(() => this.#tick(), Math.max(0, moment - this.#clock.now()), {
      unref: true,
    });
  }

  #tick(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    for (const lease of this.#leases) {
      this.checkDeadline(lease);
      // What falls due soon comes along: one trip now is cheaper than two.
      const slackMs = Math.min(lease.terms.renewEveryMs, this.#paceMs) / 4;
      if (lease.renewing || lease.nextRenewalAt > now + slackMs) continue;
      lease.renewing = true;
      this.#due.push(lease);
    }
    this.#send();
    let next = Infinity;
    for (const lease of this.#leases) next = Math.min(next, lease.nextEventAt);
    if (next < Infinity) this.#wakeBy(next);
  }

  #send(): void {
    while (this.#underWay < MAX_UNDER_WAY && this.#due.length > 0) {
      const batch = this.#due.splice(0, MAX_BATCH).filter((lease) => this.#leases.has(lease));
      if (batch.length > 0) background(this.#renew(batch));
    }
  }

  async #renew(batch: readonly Lease<S, A>[]): Promise<void> {
    this.#underWay++;
    // Not when it fell due: it may have waited its turn.
    const sentAt = this.#clock.now();
    let answers: readonly (A | Error)[];
    try {
      answers = await this.#renewAll(batch.map((lease) => lease.subject));
    } catch (error) {
      answers = batch.map(() => (error instanceof Error ? error : new Error(String(error))));
    }
    this.#underWay--;
    this.#send();
    batch.forEach((lease, index) => this.#take(lease, answers[index], sentAt));
  }

  #take(lease: Lease<S, A>, answer: A | Error | undefined, sentAt: number): void {
    lease.renewing = false;
    if (!this.#leases.has(lease)) return;
    const everyMs = Math.min(lease.terms.renewEveryMs, this.#paceMs);
    if (answer === undefined || answer instanceof Error) {
      lease.state = "unknown";
      lease.nextRenewalAt = this.#clock.now() + everyMs / 4;
    } else if (answer.holds) {
      lease.state = "renewed";
      lease.deadline = sentAt + lease.terms.leaseMs;
      lease.nextRenewalAt = sentAt + everyMs;
      lease.listener.onRenewed(answer);
    } else {
      lease.state = "lost";
      this.release(lease);
      lease.listener.onLost(answer);
      return;
    }
    this.#wakeBy(lease.nextEventAt);
  }
}

/** One lease under the keeper's care. */
export class Lease<S, A extends RenewalAnswer> {
  readonly subject: S;
  readonly terms: LeaseTerms;
  readonly listener: LeaseListener<A>;
  state: LeaseState = "held";
  /** When it ends for this process, whatever the coordinator's clock says. */
  deadline: number;
  expired = false;
  renewing = false;
  nextRenewalAt = 0;
  readonly #keeper: LeaseKeeper<S, A>;

  constructor(
    keeper: LeaseKeeper<S, A>,
    subject: S,
    terms: LeaseTerms,
    grantedAt: number,
    listener: LeaseListener<A>,
  ) {
    this.#keeper = keeper;
    this.subject = subject;
    this.terms = terms;
    this.listener = listener;
    this.deadline = grantedAt + terms.leaseMs;
  }

  /** When the keeper has to look at it next. */
  get nextEventAt(): number {
    const renewal = this.renewing ? Infinity : this.nextRenewalAt;
    return this.expired ? renewal : Math.min(renewal, this.deadline);
  }

  /** Looks at the clock now, not at the next tick: settling must not overtake an overdue timer. */
  hasExpired(): boolean {
    return this.#keeper.checkDeadline(this);
  }

  /** Stops renewing. The lease itself ends by settle, resign or time. */
  release(): void {
    this.#keeper.release(this);
  }
}
