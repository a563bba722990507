/** Hands an outcome to the callers that a flight has in this process. */
import type { Flight, Story } from "@skein/core/internal";
import type { Outcome } from "./outcome.ts";

export function answerCallers(flight: Flight, outcome: Outcome, story: Story): void {
  if (outcome.kind === "value") flight.land(outcome.value, story);
  else if (outcome.kind === "error") flight.fail(outcome.error, story);
}
