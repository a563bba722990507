/**
 * What happened to a key, or to all of them, at a moment that no line tells exactly: data that was lost, a key that was
 * forgotten. The line says when it was over; `tSent`, when it had not begun; `tRedis`, when it was over by the server.
 */
import type { Execution } from "./executions.ts";
import type { HistoryLine } from "./history.ts";
import { grantOf } from "./token.ts";

/** Server time in a token is exact to the microsecond, what a test records to the millisecond. */
const CLOCK_STEP_MS = 1;

export interface Occurrence {
  readonly line: HistoryLine;
  /** On the clock of the lines. */
  readonly from: number;
  readonly until: number;
}

/** Redis forgot what it knew. */
export function dataLossesOf(history: readonly HistoryLine[]): Occurrence[] {
  return history.flatMap((line) =>
    line.fault === "redis-lost-data" ? [occurrenceOf(line, line.tMono)] : [],
  );
}

/**
 * A key was forgotten. Asking is recorded too, lest the end of the process hide what it did: such a line counts until that
 * end, unless another one with the same `call` says when it was over.
 */
export function forgettingsOf(history: readonly HistoryLine[]): Occurrence[] {
  // With a token, a leader tells what became of it.
  const lines = history.filter(({ ev, token }) => ev === "forgotten" && token === undefined);
  const over = new Set(lines.filter(({ tSent }) => tSent !== undefined).map(requestOf));
  const killedAt = new Map(
    history.flatMap(({ fault, target, tMono }) => (fault === "killed" ? [[target, tMono]] : [])),
  );
  return lines.flatMap((line) => {
    if (line.call === undefined || line.tSent !== undefined) return [occurrenceOf(line, line.tMono)];
    return over.has(requestOf(line)) ? [] : [occurrenceOf(line, killedAt.get(line.process) ?? Infinity)];
  });
}

/**
 * Whether it may have taken place after one execution had been elected and before another was. By server time if that is
 * known: a reply may be long under way, and its work begin long after the election.
 */
export function isBetween({ line, from, until }: Occurrence, first: Execution, second: Execution): boolean {
  if (line.tRedis === undefined || first.token === undefined || second.token === undefined) {
    return until >= first.startedAt && from <= second.startedAt;
  }
  const toServer = line.tRedis - line.tMono;
  const [electedMs, succeededMs] = [grantOf(first.token) / 1_000, grantOf(second.token) / 1_000];
  return until + toServer + CLOCK_STEP_MS >= electedMs && from + toServer - CLOCK_STEP_MS <= succeededMs;
}

function occurrenceOf(line: HistoryLine, until: number): Occurrence {
  return { line, from: line.tSent ?? line.tMono, until };
}

function requestOf({ process, call }: HistoryLine): string {
  return JSON.stringify([process, call]);
}
