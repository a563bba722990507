/**
 * One flight as the server keeps it: the executable specification of the six operations, which the scripts translate.
 * Every operation is atomic and instantaneous; time and inboxes come from its surroundings. It trusts the server's clock,
 * which may jump. Its leadership is in one of three states:
 *
 * - `vacant`: nobody was elected yet, or the last leader settled, resigned or was forgotten.
 * - `led`: the lease of the elected leader runs.
 * - `lapsed`: the lease ended unannounced, or the leader was deposed, and nobody was elected since. Whoever joins next
 *   presumes a death; the leader itself may still renew, settle or resign, which withdraws that.
 */
import {
  flightTtlMs,
  type Claim,
  type JoinReply,
  type JoinRequest,
  type RenewReply,
  type RenewRequest,
  type ResignReply,
  type ResignRequest,
  type SettleReply,
  type SettleRequest,
} from "../coordinator.ts";
import { grantOf } from "../fencing-token.ts";
import { attemptOf, isAttempt, leaderOf } from "./attempt.ts";
import { EntryDesk } from "./entry-desk.ts";
import { Leadership } from "./leadership.ts";
import { LostLeaders } from "./lost-leaders.ts";
import { addressOf } from "./memory-post.ts";
import { Registrations } from "./registrations.ts";
import { RetainedOutcome } from "./retained-outcome.ts";
import type { Caller, Surroundings, WakeUpLimits } from "./surroundings.ts";

export class MemoryFlight {
  readonly #surroundings: Surroundings;
  readonly #registrations: Registrations;
  #leadership: Leadership | undefined;
  #lastGrant = 0;
  readonly #lost = new LostLeaders();
  #forgotten: string | undefined;
  #retained: RetainedOutcome | undefined;
  readonly #entry: EntryDesk;
  /** The record of this flight ends by itself; 0 before anything was recorded and after it was deleted. */
  #endsAtUs = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#registrations = new Registrations(surroundings);
    this.#entry = new EntryDesk(surroundings.entry, () => surroundings.now());
  }

  /** True when the server has nothing (any more) about this flight. */
  get over(): boolean {
    return this.#surroundings.now() >= this.#endsAtUs;
  }

  /** Until the record ends, in ms of server time. */
  get ttlMs(): number {
    return (this.#endsAtUs - this.#surroundings.now()) / 1_000;
  }

  get state(): "vacant" | "led" | "lapsed" {
    if (this.#leadership === undefined) return "vacant";
    return this.#leadership.hasLapsed(this.#surroundings.now()) ? "lapsed" : "led";
  }

  /** Ends for good what has ended by the clock as it is now; true if that is everything. */
  expire(): boolean {
    if (this.state === "lapsed") this.#leadership?.lapse();
    return this.over;
  }

  join(caller: Caller, request: JoinRequest): JoinReply {
    return this.#entry.glimpse(request, this.#join(caller, request));
  }

  #join(caller: Caller, request: JoinRequest): JoinReply {
    const registration = { process: caller.process, nonce: request.nonce };
    // A repeated attempt is not a second election.
    if (this.state === "led" && isAttempt(this.#leadership?.token, registration)) return this.#leads();
    const now = this.#surroundings.now();
    const retained = this.#retained?.isFor(request, now) === true ? this.#retained.reply(now) : undefined;
    const known = retained ?? this.#entry.hitBeforeElection(request);
    if (known !== undefined) {
      this.#registrations.remove(registration);
      return known;
    }
    if (this.#leadership !== undefined && this.#mayDepose(this.#leadership, request)) {
      this.#leadership.lapse();
    }
    const leadership = this.#leadership;
    if (leadership === undefined) return this.#admit(caller, request);
    return this.state === "led"
      ? this.#follow(leadership, caller, request)
      : this.#succeed(leadership, caller, request);
  }

  renew(request: RenewRequest): RenewReply {
    const leadership = this.#leadership;
    this.#lost.withdraw(request.token);
    if (leadership?.token !== request.token) {
      return { status: this.#forgotten === request.token ? "forgotten" : "fenced" };
    }
    leadership.renew(request.leaseMs, this.#surroundings.now());
    this.#lastAtLeast(flightTtlMs(request));
    return { status: "held", followers: this.#registrations.live };
  }

  settle(caller: Caller, request: SettleRequest, limits: WakeUpLimits): SettleReply {
    const token = this.#claimed(caller, request.claim, this.#retained?.token);
    if (this.#retained?.token === token) {
      return { status: "already", ...this.#wakeFollowers(this.#retained, request, limits) };
    }
    if (this.#leadership?.token !== token) {
      this.#lost.withdraw(token);
      this.#unregister(caller, request.claim);
      return { status: "fenced" };
    }
    this.#leadership = undefined;
    this.#lost.clear();
    this.#registrations.remove(attemptOf(caller.process, request.claim));
    this.#retained = new RetainedOutcome(token, request, this.#surroundings.now());
    this.#endsAtUs = this.#in(request.retainMs);
    this.#lastAtLeast(this.#entry.settle(request));
    return { status: "accepted", ...this.#wakeFollowers(this.#retained, request, limits) };
  }

  resign(caller: Caller, request: ResignRequest): ResignReply {
    const token = this.#claimed(caller, request.claim, undefined);
    const leadership = this.#leadership;
    if (leadership?.token !== token) {
      this.#lost.withdraw(token);
      this.#unregister(caller, request.claim);
      return { status: "fenced" };
    }
    this.#registrations.remove(attemptOf(caller.process, request.claim));
    const followers = this.#registrations.live;
    if (request.ifUnwanted && followers > 0) {
      leadership.unwanted = true;
      return { status: "wanted", followers };
    }
    // Leaving on purpose is a sign of life.
    this.#lost.withdraw(token);
    this.#leadership = undefined;
    if (request.countsAsTakeover) this.#lost.own();
    // Registrations stay: they are served even by a successor that settles before everybody has joined again.
    this.#surroundings.tell(this.#registrations.all, "resigned", token);
    if (followers === 0) this.#end();
    return { status: "resigned" };
  }

  leave(caller: Caller, nonce: string): void {
    this.#unregister(caller, { nonce });
  }

  forget(): boolean {
    const leadership = this.#leadership;
    const dropped = leadership?.token ?? this.#retained?.token;
    const lifted = this.#lost.abandonedUntilUs > 0;
    this.#leadership = undefined;
    this.#retained = undefined;
    this.#lost.clear();
    this.#entry.forget();
    // Lifting an abandonment is something, too.
    if (dropped === undefined) return lifted;
    if (leadership !== undefined) this.#forgotten = leadership.token;
    const leader = leadership === undefined ? [] : [addressOf(leadership)];
    this.#surroundings.tell([...this.#registrations.all, ...leader], "forgotten", dropped);
    return true;
  }

  // What a join can come to, in the order in which it is tried.

  #mayDepose(leadership: Leadership, { depose }: JoinRequest): boolean {
    if (depose === undefined || !leadership.isMeant(depose)) return false;
    // Nobody is seen to listen to a list.
    const silent =
      leadership.transport === "p" && !this.#surroundings.isListening(leaderOf(leadership.token));
    return depose.evidence === "beat" || silent;
  }

  #follow(leadership: Leadership, caller: Caller, request: JoinRequest): JoinReply {
    const madeDo = this.#entry.makeDo(request);
    if (madeDo !== undefined) return madeDo;
    const { nonce, registrationMs } = request;
    const grant = grantOf(leadership.token);
    const isNew = this.#registrations.put({ ...caller, nonce, grant, expiresAtUs: this.#in(registrationMs) });
    // Coming for the first time is a reason to go on; still being there is none.
    if (isNew) leadership.unwanted = false;
    this.#lastAtLeast(flightTtlMs(request));
    return leadership.toReply(this.#surroundings.now());
  }

  #succeed({ token }: Leadership, caller: Caller, request: JoinRequest): JoinReply {
    if (this.#lost.presume(token)) this.#lastAtLeast(flightTtlMs(request));
    if (request.firstGrant !== undefined && !request.takesOver) {
      this.#registrations.remove({ process: caller.process, nonce: request.nonce });
      return { status: "lost" };
    }
    return this.#admit(caller, request);
  }

  /** Elects the caller, unless too many leaders were lost before it. */
  #admit(caller: Caller, request: JoinRequest): JoinReply {
    const { maxTakeovers, abandonMs, nonce } = request;
    const now = this.#surroundings.now();
    if (this.#lost.takeovers > maxTakeovers) {
      if (this.#lost.abandonedUntilUs === 0) {
        this.#lost.abandonUntil(this.#in(abandonMs));
        // Beyond abandonMs, so that the first to come afterwards is known for a probe. Later joins do not extend it.
        this.#endsAtUs = this.#in(abandonMs + flightTtlMs(request));
      }
      // Nobody has reason to wait longer than this caller would.
      const abandonedUntilUs = Math.min(this.#lost.abandonedUntilUs, this.#in(abandonMs));
      if (now < abandonedUntilUs) {
        this.#registrations.remove({ process: caller.process, nonce });
        const retryAfterMs = Math.ceil((abandonedUntilUs - now) / 1_000);
        return { status: "abandoned", takeovers: this.#lost.takeovers, retryAfterMs };
      }
      this.#lost.admitProbe(maxTakeovers);
    }
    // Grants grow by server time, and by one where the clock stood still or went back. A follower that outlived what the
    // server knew remembers a grant, too: those who followed the same flight would refuse the outcome of a lower one.
    this.#lastGrant = Math.max(this.#lastGrant + 1, (request.firstGrant ?? 0) + 1, now);
    const token = `${this.#lastGrant}-${caller.process}-${nonce}`;
    this.#leadership = new Leadership(token, caller.transport, request.leaseMs, now);
    this.#registrations.remove({ process: caller.process, nonce });
    this.#lastAtLeast(flightTtlMs(request));
    return this.#leads();
  }

  #leads(): JoinReply {
    return { status: "lead", token: this.#leadership?.token ?? "", takeovers: this.#lost.takeovers };
  }

  // Claims, followers, endings.

  /** The token that the caller acts for: the one it names, or the one that its nonce was given; "" if none was. */
  #claimed(caller: Caller, claim: Claim, settled: string | undefined): string {
    if ("token" in claim) return claim.token;
    const attempt = attemptOf(caller.process, claim);
    // A leader whose death was presumed can do nothing any more but withdraw that.
    const candidates = [this.#leadership?.token, settled, ...this.#lost.presumedDead];
    return candidates.find((token) => isAttempt(token, attempt)) ?? "";
  }

  #unregister(caller: Caller, claim: Claim): void {
    this.#registrations.remove(attemptOf(caller.process, claim));
    const leadership = this.#leadership;
    if (leadership?.unwanted !== true || this.#registrations.live > 0) return;
    this.#surroundings.tell([addressOf(leadership)], "unwanted", leadership.token);
  }

  #wakeFollowers(
    { token, outcome }: RetainedOutcome,
    { inlineMaxBytes, outcome: given }: SettleRequest,
    { maxWoken, fanoutMaxBytes }: WakeUpLimits,
  ): { woken: number; unwoken: number } {
    // Who registered for a later election is not waiting for this outcome.
    const waiting = this.#registrations.all.filter(({ grant }) => grant <= grantOf(token));
    const woken = waiting.slice(0, maxWoken);
    for (const registration of woken) this.#registrations.remove(registration);
    const inline = outcome.length <= inlineMaxBytes && outcome.length * woken.length <= fanoutMaxBytes;
    // Whoever pushes into a list has the outcome that it gave. Of another one it can only say that it is there.
    const pushable = Buffer.compare(outcome, given) === 0;
    const whole = woken.filter(({ transport }) => inline && (pushable || transport === "p"));
    this.#surroundings.tell(whole, "settled", token, outcome);
    this.#surroundings.tell(
      woken.filter((follower) => !whole.includes(follower)),
      "pointer",
      token,
    );
    return { woken: woken.length, unwoken: waiting.length - woken.length };
  }

  /** Nobody takes part any more: nothing but an outcome that may still be asked for is kept. */
  #end(): void {
    this.#lost.clear();
    this.#registrations.clear();
    this.#forgotten = undefined;
    if (this.#retained === undefined) this.#endsAtUs = 0;
  }

  #lastAtLeast(ttlMs: number): void {
    this.#endsAtUs = Math.max(this.#endsAtUs, this.#in(ttlMs));
  }

  #in(delayMs: number): number {
    return this.#surroundings.now() + delayMs * 1_000;
  }
}
