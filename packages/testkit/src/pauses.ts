/** When processes were stopped, as the test that stopped them recorded it. */
import type { HistoryLine } from "./history.ts";
import { linesWith } from "./line-index.ts";

const stopOrGo = ({ fault, target }: HistoryLine): string | undefined =>
  fault === "paused" || fault === "resumed" || fault === "killed" ? target : undefined;

/** For how long `process` was stopped between the two moments. */
export function pausedMs(
  history: readonly HistoryLine[],
  process: string,
  from: number,
  until: number,
): number {
  let totalMs = 0;
  let pausedAt: number | undefined;
  const add = (end: number): void => {
    if (pausedAt !== undefined) totalMs += Math.max(0, Math.min(end, until) - Math.max(pausedAt, from));
    pausedAt = undefined;
  };
  for (const { fault, tMono } of linesWith(history, stopOrGo, process)) {
    if (fault === "paused") pausedAt ??= tMono;
    if (fault === "resumed" || fault === "killed") add(tMono);
  }
  add(Infinity);
  return totalMs;
}
