/**
 * Running the work without the fleet: coalesced in this process as always, bounded, and said out loud in the result.
 * Not promised: that no other process does the same at the same time. That is what falling back means.
 */
import type { FallbackReason } from "@skein/core";
import { background, type Flight, type Story } from "@skein/core/internal";
import { FallbackLimitError } from "./errors.ts";
import type { Outcome } from "./outcome.ts";

/** Uncoordinated executions of one prefix at once in this process. */
export class FallbackLimit {
  readonly max: number;
  #running = 0;

  constructor(max: number) {
    this.max = max;
  }

  get running(): number {
    return this.#running;
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

export interface AloneOptions {
  readonly flight: Flight;
  readonly reason: FallbackReason;
  readonly limit: FallbackLimit;
  readonly inCallerContext: <T>(callback: () => T) => T;
  /** The work has ended; called after its callers were answered. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** Nothing is left to do. */
  readonly onOver: () => void;
}

/** Calls the work now and answers the flight's callers with its outcome. */
export function runAlone({ flight, reason, limit, inCallerContext, onOutcome, onOver }: AloneOptions): void {
  const story: Story = { role: "local", flightId: flight.localId, takeovers: 0, fallbackReason: reason };
  if (!limit.tryEnter()) {
    flight.fail(new FallbackLimitError(limit.max), story);
    onOver();
    return;
  }
  const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
  const finish = (outcome: Outcome): void => {
    limit.leave();
    if (outcome.kind === "value") flight.land(outcome.value, story);
    else if (outcome.kind === "error") flight.fail(outcome.error, story);
    onOutcome(outcome);
    onOver();
  };
  background(
    inCallerContext(() => flight.execute(flight.work, context)).then(
      (value) => finish({ kind: "value", value }),
      (error: unknown) => finish({ kind: "error", error }),
    ),
  );
}
