/** The part that a cache plays in a process's participation in a flight: what it asks, hears and writes. */
import type { EntryGlimpse, EntryQuestion, JoinReply } from "../coordinator.ts";
import type { EntryPlan } from "../farewells.ts";
import type { Outcome } from "../outcome.ts";

export interface SettlePlan extends EntryPlan {
  /** The settlement was accepted. */
  onSettled(): void;
}

export interface EntryPart {
  /** What each join asks. */
  readonly question: Omit<EntryQuestion, "reads">;
  /** Nobody waits for the outcome: without the fleet the work is not run. */
  readonly optional: boolean;
  /** What a join saw of the entry, before the rest of its reply is acted upon. */
  onGlimpse(glimpse: EntryGlimpse, status: JoinReply["status"]): void;
  /** The entry will do: the callers can be answered with it. `sentAt`: when it was asked for. */
  onHit(sentAt: number): void;
  /** This process runs the work. Callers may be answered with an entry past its time. */
  onElected(sentAt: number): void;
  /** What to write when the work has ended while the lease was held. */
  plan(token: string, outcome: Outcome, tookMs: number): SettlePlan;
}
