/**
 * Shadow mode: the work runs at once in this process, as without Skein's cluster, while the protocol is flown beside it
 * to count what it would have saved. Never waits, and never hands out another process's outcome.
 *
 * The work ends as in core: aborted when its callers have left, when it is too old, when its process closes. The
 * leadership that may have come with it ends with it, or before it if the fleet says so; the work goes on then.
 */
import { background, type Story } from "@skein/core/internal";
import { FlightAgedError, FlightUnwantedError, type Timer } from "@skein/core";
import { answerCallers } from "./answer-callers.ts";
import type { Claim, RenewRequest } from "./coordinator.ts";
import { Farewells } from "./farewells.ts";
import type { RenewalAnswer } from "./fleet.ts";
import type { WakeUp } from "./inbox/wake-up.ts";
import { joinRequest } from "./join-request.ts";
import type { Lease } from "./lease-keeper.ts";
import type { ResignReason } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { ParticipationOptions } from "./participation-options.ts";

const NONCE_LENGTH = 12;

interface Leadership {
  readonly token: string;
  readonly lease: Lease<RenewRequest, RenewalAnswer>;
}

export class Shadow {
  readonly #options: ParticipationOptions;
  readonly #nonce: string;
  readonly #farewells: Farewells;
  readonly #story: Story;
  #ageTimer: Timer | undefined;
  #leadership: Leadership | undefined;
  #outcome: Outcome | undefined;
  /** Why the work was told to stop; a leadership that arrives later is given back. */
  #stopped: ResignReason | undefined;

  constructor(options: ParticipationOptions) {
    const { fleet, policy, name, flight } = options;
    this.#options = options;
    this.#nonce = fleet.options.randomness.identifier(NONCE_LENGTH);
    this.#farewells = new Farewells(fleet, policy, name);
    this.#story = { role: "local", flightId: flight.localId, takeovers: 0 };
  }

  start(): void {
    const { fleet, flight, policy, name } = this.#options;
    flight.ageLimitMs = Infinity;
    this.#ageTimer = fleet.options.clock.setTimer(() => this.#age(), policy.maxAgeMs, { unref: true });
    const asks = fleet.options.availabilityOf(name).obstacle() === undefined;
    // Before the join leaves: what is said about the flight may overtake its reply.
    if (asks) fleet.wakeUps.add(name.id, this);
    const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
    background(
      flight.execute(flight.work, context).then(
        (value) => this.#finish({ kind: "value", value }),
        (error: unknown) => this.#finish({ kind: "error", error }),
      ),
    );
    if (asks) background(this.#join());
  }

  onWakeUp({ kind, token }: WakeUp): void {
    if (kind === "forgotten" && token === this.#leadership?.token) this.#displace();
  }

  onInboxBack(): void {
    // The next renewal says what was missed.
  }

  onUnwanted(): void {
    this.#stop("unwanted", new FlightUnwantedError());
  }

  onReplaced(reason: Error): void {
    this.#stop("evicted", reason);
  }

  onClosed(reason: Error): void {
    this.#options.flight.fail(reason, this.#story, "closed");
    this.#stop("closed", reason);
  }

  async #join(): Promise<void> {
    const { fleet, policy, flight, name } = this.#options;
    // Nobody waits for what is found, so nothing retained is asked for.
    const terms = {
      ...joinRequest({ fleet, policy, name }, this.#nonce, undefined),
      freshMs: 0,
      takesOver: true,
    };
    const answer = await fleet.join(terms);
    if ("failure" in answer) {
      if (answer.failure.sent) this.#sayResigned({ nonce: this.#nonce });
    } else if (answer.reply.status === "lead") {
      this.#lead(answer.reply.token, answer.sentAt);
    } else if (answer.reply.status === "follow") {
      fleet.emit({ type: "shadow-saved", ...flight.about(answer.reply.token) });
      background(this.#farewells.leave(this.#nonce));
    }
  }

  #lead(token: string, sentAt: number): void {
    const { fleet, policy, name } = this.#options;
    const { leaseMs, renewEveryMs, maxTakeovers } = policy;
    if (this.#stopped !== undefined) {
      this.#sayResigned({ token }, this.#stopped);
      return;
    }
    const request = { flight: name, token, leaseMs, maxTakeovers };
    const lease = fleet.leases.hold(request, { leaseMs, renewEveryMs }, sentAt, {
      onRenewed() {},
      onLost: () => this.#displace(),
      onExpired() {},
    });
    this.#leadership = { token, lease };
    // The work may have been faster than the join.
    if (this.#outcome !== undefined) this.#settle(this.#outcome);
  }

  #finish(outcome: Outcome): void {
    const { fleet, flight, name, onOver } = this.#options;
    this.#ageTimer?.cancel();
    answerCallers(flight, outcome, this.#story);
    this.#outcome = outcome;
    this.#settle(outcome);
    fleet.wakeUps.remove(name.id, this);
    onOver();
  }

  #settle(outcome: Outcome): void {
    const { policy, flight } = this.#options;
    const leadership = this.#giveUpLease();
    if (leadership === undefined) return;
    const claim = { token: leadership.token };
    const withheld = outcome.kind === "error" && (flight.failsApart || !policy.sharesError(outcome.error));
    if (withheld) this.#sayResigned(claim);
    else background(this.#farewells.settle(claim, this.#nonce, outcome, { takeovers: 0 }).reply);
  }

  /** The work is to stop; its callers get what it yields all the same. */
  #stop(why: ResignReason, reason: Error): void {
    this.#ageTimer?.cancel();
    this.#stopped ??= why;
    const leadership = this.#giveUpLease();
    if (leadership !== undefined) this.#sayResigned({ token: leadership.token }, why);
    this.#options.flight.abort(reason);
  }

  #age(): void {
    const { flight, policy } = this.#options;
    flight.table.detach(flight);
    flight.table.teller.tell("flight-aged", flight, {});
    this.#stop("aged", new FlightAgedError(policy.maxAgeMs));
  }

  /** Somebody else was elected, or the flight was forgotten: whoever calls from now on belongs to another flight. */
  #displace(): void {
    if (this.#giveUpLease() !== undefined) this.#options.flight.table.detach(this.#options.flight);
  }

  #giveUpLease(): Leadership | undefined {
    const leadership = this.#leadership;
    this.#leadership = undefined;
    leadership?.lease.release();
    return leadership;
  }

  #sayResigned(claim: Claim, why?: ResignReason): void {
    background(this.#farewells.resign(claim, why === "aged"));
  }
}
