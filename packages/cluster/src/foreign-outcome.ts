/**
 * An outcome that was published, from its arrival to the callers: another process's, or, for callers that came when all
 * before them had left, their own process's. Before it is believed, its envelope must be of this version, of the flight
 * it claims, whole, and in the codec of this prefix; its value must satisfy the prefix's schema. What does not is a counted
 * miss, never an error of the call.
 */
import { background, type Flight, type Pilot } from "@skein/core/internal";
import { answerCallers } from "./answer-callers.ts";
import type { JoinReply } from "./coordinator.ts";
import { openOutcome, type OpenedOutcome } from "./envelope.ts";
import type { Origin } from "./farewells.ts";
import { parseToken } from "./fencing-token.ts";
import type { Fleet } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import type { RejectedWhy } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { Policy } from "./policy.ts";
import { checkForeignValue } from "./standard-schema.ts";

type ForeignOutcome = Extract<OpenedOutcome, { ok: true }>;

type Retained = Extract<JoinReply, { status: "settled" }>;

/** Why a join found an outcome: it was the first, a wake-up had announced one, or the wake-up was lost or is late. */
export type Occasion = "newcomer" | "pointed" | "unprompted";

export interface ForeignOutcomesOptions {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly flight: Flight;
  readonly name: FlightName;
  /** Flies the next flight, for callers that came too late for this outcome. */
  readonly pilot: Pilot;
  /** A readable outcome has arrived: nobody needs to look for one any more. */
  readonly onArrived: () => void;
  /** The callers have been answered. */
  readonly onAnswered: () => void;
  /** There is an outcome, but not one that this process can use. */
  readonly onUnusable: () => void;
}

export class ForeignOutcomes {
  readonly #options: ForeignOutcomesOptions;
  readonly #openedAt: number;

  constructor(options: ForeignOutcomesOptions) {
    this.#options = options;
    this.#openedAt = options.fleet.options.clock.now();
  }

  /** One that came with a wake-up. False when it cannot be read; the retained copy may be sound. */
  takeWakeUp(token: string, envelope: Uint8Array): boolean {
    const { fleet, flight } = this.#options;
    const opened = this.#open(token, envelope);
    if (opened === undefined) return false;
    const waitedMs = fleet.options.clock.now() - this.#openedAt;
    fleet.emit({ type: "woken", ...flight.about(token), waitedMs, bytes: envelope.length });
    this.#accept(token, opened, undefined);
    return true;
  }

  /** One that a join found. */
  takeRetained({ token, outcome: envelope, ageMs }: Retained, occasion: Occasion): void {
    const { fleet, policy, flight, onArrived, onUnusable } = this.#options;
    const opened = this.#open(token, envelope);
    if (opened === undefined) {
      onArrived();
      onUnusable();
      return;
    }
    const about = flight.about(token);
    if (occasion === "pointed") {
      const waitedMs = fleet.options.clock.now() - this.#openedAt;
      fleet.emit({ type: "woken", ...about, waitedMs, bytes: envelope.length, sinceSettledMs: ageMs });
    } else if (occasion === "unprompted") {
      fleet.emit({ type: "wakeup-missed", ...about, sinceSettledMs: ageMs });
    }
    // Whoever called after the settlement may not have this outcome, unless the prefix says how old it may be.
    // That holds for values only: an error is for those who waited for it.
    const freshMs = opened.outcome.kind === "value" ? policy.freshMs : 0;
    this.#accept(token, opened, fleet.options.clock.now() - ageMs + freshMs);
  }

  #open(token: string, envelope: Uint8Array): ForeignOutcome | undefined {
    const { fleet, policy, name } = this.#options;
    const nonce = parseToken(token)?.nonce ?? "";
    const signed = fleet.signedFlight(name, token);
    const opened = openOutcome(envelope, { codec: policy.codec, nonce, signed });
    if (opened.ok) return opened;
    this.#reject(opened.why);
    return undefined;
  }

  #accept(token: string, { outcome, ...origin }: ForeignOutcome, settledBy: number | undefined): void {
    const { policy, onArrived, onUnusable } = this.#options;
    onArrived();
    if (outcome.kind === "unshareable") {
      onUnusable();
    } else if (outcome.kind === "error" || policy.schema === undefined) {
      this.#answer(token, outcome, origin, settledBy);
    } else {
      background(this.#answerChecked(token, outcome.value, origin, settledBy));
    }
  }

  async #answerChecked(
    token: string,
    value: unknown,
    origin: Origin,
    settledBy: number | undefined,
  ): Promise<void> {
    const { fleet, policy, onUnusable } = this.#options;
    // A schema that never answers must not hold the callers longer than a leader may.
    const { promise: tooLate, resolve } = Promise.withResolvers<{ readonly ok: false }>();
    const timer = fleet.options.clock.setTimer(() => resolve({ ok: false }), policy.waitTimeoutMs);
    const checked = await Promise.race([checkForeignValue(policy.schema, value), tooLate]);
    timer.cancel();
    if (checked.ok) {
      this.#answer(token, { kind: "value", value: checked.value }, origin, settledBy);
      return;
    }
    this.#reject("schema");
    onUnusable();
  }

  #answer(token: string, outcome: Outcome, origin: Origin, settledBy: number | undefined): void {
    const { fleet, flight, pilot, onAnswered } = this.#options;
    const { takeovers, traceparent } = origin;
    const late = settledBy === undefined ? [] : flight.takeLaterThan(settledBy);
    const role = fleet.roleIn(token);
    answerCallers(flight, outcome, { role, flightId: token, takeovers, traceparent });
    onAnswered();
    flight.table.rehome(flight.key, late, pilot);
  }

  #reject(why: RejectedWhy): void {
    const { fleet, flight } = this.#options;
    fleet.emit({ type: "rejected", keyPrefix: flight.about().keyPrefix, why });
  }
}
