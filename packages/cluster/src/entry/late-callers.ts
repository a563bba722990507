/**
 * Callers of a cache that came while this process was loading. A write elsewhere may have come before them, of which this
 * process has not heard yet: then what it loads is older than their call. The settlement knows, since a write forgets the
 * flight, so they wait for its answer, no longer than a call waits for Redis at its start.
 */
import type { Clock } from "@skein/core";
import { Flight, localPilot, type Story } from "@skein/core/internal";
import { answerCallers } from "../answer-callers.ts";
import type { Outcome } from "../outcome.ts";

export class LateCallers {
  readonly #loading: Flight;
  /** Holds them meanwhile: they can leave it, and closing lets them go. */
  readonly #waiting: Flight;

  /** Takes those out of the flight that came after the load was asked for; `undefined` if nobody did. */
  static of(loading: Flight, askedAt: number): LateCallers | undefined {
    const late = loading.takeLaterThan(askedAt);
    if (late.length === 0) return undefined;
    const { table, key, work } = loading;
    const waiting = new Flight(table, key, work, localPilot, undefined);
    for (const waiter of late) waiting.adopt(waiter);
    table.detach(waiting);
    return new LateCallers(loading, waiting);
  }

  private constructor(loading: Flight, waiting: Flight) {
    this.#loading = loading;
    this.#waiting = waiting;
  }

  /** `isTheirs`: false when a write, or another election, came before the outcome. */
  async answer(
    isTheirs: Promise<boolean>,
    outcome: Outcome,
    story: Story,
    limit: { readonly clock: Clock; readonly ms: number },
  ): Promise<void> {
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
    const timer = limit.clock.setTimer(() => resolve(true), limit.ms);
    const theirs = await Promise.race([isTheirs, tooLate]);
    timer.cancel();
    if (theirs) {
      answerCallers(this.#waiting, outcome, story);
      return;
    }
    const { table, key, pilot } = this.#loading;
    const callers = this.#waiting.takeLaterThan(-Infinity);
    this.#waiting.discard();
    table.rehome(key, callers, pilot);
  }
}
