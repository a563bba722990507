/** A broken invariant, and the lines of the history that prove it. */
import type { HistoryLine } from "./history.ts";

export type InvariantName = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I9" | "I11" | "I13";

export interface Violation {
  readonly invariant: InvariantName;
  readonly message: string;
  readonly lines: readonly HistoryLine[];
}

/** For an error message: one paragraph per violation. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations
    .map(({ invariant, message, lines }) => {
      const proof = lines.map((line) => `    ${JSON.stringify(line)}`);
      return [`${invariant}: ${message}`, ...proof].join("\n");
    })
    .join("\n");
}
