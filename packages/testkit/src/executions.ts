/** The executions in a history: each "start" with its "end", or with the death of its process. */
import type { HistoryLine } from "./history.ts";

export interface Execution {
  readonly key: string;
  readonly process: string;
  /** Absent: nobody coordinates it. */
  readonly token: string | undefined;
  readonly start: HistoryLine;
  /** The "end", or the "fault" that killed the process; absent when it still ran at the end of the history. */
  readonly end: HistoryLine | undefined;
  readonly startedAt: number;
  /** Infinity when there is no end. */
  readonly endedAt: number;
}

/** In the order of their starts. */
export function executionsOf(history: readonly HistoryLine[]): Execution[] {
  const open = new Map<string, HistoryLine[]>();
  const executions: Execution[] = [];
  const close = (start: HistoryLine, end: HistoryLine | undefined): void => {
    executions.push({
      key: start.key,
      process: start.process,
      token: start.token,
      start,
      end,
      startedAt: start.tMono,
      endedAt: end?.tMono ?? Infinity,
    });
  };
  for (const line of history) {
    if (line.ev === "start") {
      open.set(identityOf(line), [...(open.get(identityOf(line)) ?? []), line]);
    } else if (line.ev === "end") {
      const start = open.get(identityOf(line))?.shift();
      if (start !== undefined) close(start, line);
    } else if (line.fault === "killed") {
      for (const starts of open.values()) {
        if (starts[0]?.process !== line.target) continue;
        for (const start of starts.splice(0)) close(start, line);
      }
    }
  }
  for (const start of [...open.values()].flat()) close(start, undefined);
  return executions.toSorted((a, b) => a.startedAt - b.startedAt);
}

/** Executions of the same key that ran at the same time, the one that began earlier first. */
export function overlapsOf(executions: readonly Execution[]): [earlier: Execution, later: Execution][] {
  const overlaps: [Execution, Execution][] = [];
  const seen = new Map<string, number>();
  const byKey = Map.groupBy(executions, ({ key }) => key);
  for (const earlier of executions) {
    const index = seen.get(earlier.key) ?? 0;
    seen.set(earlier.key, index + 1);
    const alike = byKey.get(earlier.key) ?? [];
    for (let next = index + 1; next < alike.length; next++) {
      const later = alike[next];
      if (later === undefined || later.startedAt >= earlier.endedAt) break;
      overlaps.push([earlier, later]);
    }
  }
  return overlaps;
}

/** The lines that prove when an execution ran. */
export function linesOf({ start, end }: Execution): HistoryLine[] {
  return end === undefined ? [start] : [start, end];
}

function identityOf({ process, key, execution, token }: HistoryLine): string {
  return JSON.stringify([process, key, execution ?? token ?? null]);
}
