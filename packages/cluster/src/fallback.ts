/**
 * Running the work without the fleet: coalesced in this process as always, bounded, and said out loud in the result.
 * Not promised: that no other process does the same at the same time. That is what falling back means.
 */
import { FlightAgedError, FlightUnwantedError, type Clock, type FallbackReason } from "@skein/core";
import { background, type Flight, type Story } from "@skein/core/internal";
import { answerCallers } from "./answer-callers.ts";
import { CoordinationUnavailableError, FallbackLimitError } from "./errors.ts";
import type { AdoptedJoin } from "./farewells.ts";
import type { FallbackRefusedWhy } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { Policy } from "./policy.ts";

/** Reasons that lie with the flight and not with Redis: `onUnavailable` does not apply to them. */
const NOT_UNAVAILABILITY: ReadonlySet<FallbackReason> = new Set([
  "unshareable",
  "wait-timeout",
  "leader-lost",
]);

/** Uncoordinated executions of one prefix at once in this process. */
export class FallbackLimit {
  readonly max: number;
  #running = 0;

  constructor(max: number) {
    this.max = max;
  }

  tryEnter(): boolean {
    if (this.#running >= this.max) return false;
    this.#running++;
    return true;
  }

  leave(): void {
    this.#running--;
  }
}

export interface FallbackOptions {
  readonly flight: Flight;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly reason: FallbackReason;
  readonly limit: FallbackLimit;
  /**
   * Set when a join of ours may yet be, or have been, answered with leadership: others would follow us then, and this
   * run is what they wait for. It settles in the name of that join.
   */
  readonly adopts: AdoptedJoin | undefined;
  readonly inCallerContext: <T>(callback: () => T) => T;
  /** The prefix does not want this run; its callers are about to be told so. */
  readonly onRefused: (why: FallbackRefusedWhy) => void;
  /** The callers have been answered and nothing is left to do. */
  readonly onEnd: () => void;
}

export class FallbackRun {
  readonly #options: FallbackOptions;
  readonly #story: Story;

  constructor(options: FallbackOptions) {
    this.#options = options;
    const { flight, reason } = options;
    this.#story = { role: "local", flightId: flight.localId, takeovers: 0, fallbackReason: reason };
  }

  /** Whether it settles for a join whose reply never came. */
  get adopts(): boolean {
    return this.#options.adopts !== undefined;
  }

  /** Calls the work now, unless the prefix refuses: then the callers get a typed error. */
  start(): void {
    const { flight, policy, clock, limit, inCallerContext, onRefused, onEnd } = this.#options;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#giveUpJoin();
      onRefused(refusal instanceof FallbackLimitError ? "limit" : "unavailable");
      flight.fail(refusal, this.#story);
      onEnd();
      return;
    }
    // A timer, as for a leader: nobody else may ever call to find the flight too old.
    const ageTimer = clock.setTimer(() => this.#age(), policy.maxAgeMs, { unref: true });
    const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
    const finish = (outcome: Outcome): void => {
      ageTimer.cancel();
      limit.leave();
      answerCallers(flight, outcome, this.#story);
      this.#settleAdopted(outcome);
      onEnd();
    };
    background(
      inCallerContext(() => flight.execute(flight.work, context)).then(
        (value) => finish({ kind: "value", value }),
        (error: unknown) => finish({ kind: "error", error }),
      ),
    );
  }

  /** Tells the work to stop; what it yields all the same is for its own callers only. */
  abort(reason: Error = new FlightUnwantedError()): void {
    this.#giveUpJoin();
    this.#options.flight.abort(reason);
  }

  #age(): void {
    const { flight, policy } = this.#options;
    flight.table.detach(flight);
    flight.table.teller.tell("flight-aged", flight, {});
    this.abort(new FlightAgedError(policy.maxAgeMs));
  }

  /** Why the prefix does not want an uncoordinated run now; otherwise a place has been taken for it. */
  #refusal(): Error | undefined {
    const { policy, reason, limit } = this.#options;
    if (policy.onUnavailable === "error" && !NOT_UNAVAILABILITY.has(reason)) {
      return new CoordinationUnavailableError(reason);
    }
    return limit.tryEnter() ? undefined : new FallbackLimitError(limit.max);
  }

  #settleAdopted(outcome: Outcome): void {
    const { flight, policy, adopts } = this.#options;
    if (adopts === undefined || flight.aborted) return;
    const { nonce, farewells } = adopts;
    const withheld = outcome.kind === "error" && (flight.failsApart || !policy.sharesError(outcome.error));
    if (withheld) this.#giveUpJoin();
    else background(farewells.settle({ nonce }, nonce, outcome, { takeovers: 0 }).reply);
  }

  #giveUpJoin(): void {
    const { adopts } = this.#options;
    if (adopts !== undefined) background(adopts.farewells.resign({ nonce: adopts.nonce }));
  }
}
