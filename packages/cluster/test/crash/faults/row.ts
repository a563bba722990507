/** A row of the table of faults: one fault, injected, and what has to come of it. */
import { test, type TaskMeta } from "vitest";

/** What a row tells of itself; `scripts/faults` prints it. */
export interface FaultReport {
  row: number;
  fault: string;
  injected: string;
  seen: string;
  figure: string;
}

declare module "vitest" {
  interface TaskMeta {
    fault?: FaultReport;
  }
}

export interface RowPlan {
  readonly row: number;
  /** The fault, as a reader knows it. */
  readonly fault: string;
  /** How it is brought about. */
  readonly injected: string;
  /** What has to be seen, and is, when the test passes. */
  readonly seen: string;
  /** Why this machine cannot have it; then it is skipped aloud. */
  readonly impossible?: string | false;
}

/** `run` returns the figure, if there is one. */
export function row(plan: RowPlan, run: () => Promise<string | void>): void {
  const { row: number, fault, injected, seen, impossible = false } = plan;
  const report = (meta: TaskMeta, figure: string): void => {
    meta.fault = { row: number, fault, injected, seen, figure };
  };
  test(`fault ${number}: ${fault}: ${seen}`, { timeout: 120_000 }, async ({ task, skip }) => {
    report(task.meta, impossible === false ? "" : `not possible here: ${impossible}`);
    skip(impossible !== false, impossible === false ? "" : impossible);
    const figure = await run();
    report(task.meta, figure ?? "");
  });
}

/** Milliseconds since a moment of `performance.now()`, as text. */
export function since(moment: number): string {
  return `${Math.round(performance.now() - moment)} ms`;
}
