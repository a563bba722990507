/** I5, I6, I13: when the work of a key ran, and how often at a time. */
import { type Execution, executionsOf, linesOf, overlapsOf } from "../executions.ts";
import type { CauseMark, FlightMark, HistoryLine } from "../history.ts";
import type { Violation } from "../violation.ts";

type Mark = FlightMark | CauseMark | "fault";

/** Recorded by a process that starts although another may still run: it was elected in its place. */
const SUCCEEDS: ReadonlySet<Mark> = new Set(["takeover", "expired", "deposed"]);
/** Recorded by anybody about the flight that was lost. */
const LOST: ReadonlySet<Mark> = new Set(["expired", "deposed"]);
/** Recorded about an execution that goes on although its flight is no longer its own. */
const DISPLACED: ReadonlySet<Mark> = new Set([
  "resigned",
  "closed",
  "aged",
  "evicted",
  "forgotten",
  "abort-ignored",
]);
/** Recorded by a process that runs on its own, once for each such execution. */
const LOCAL: ReadonlySet<Mark> = new Set([
  "fallback",
  "wait-timeout",
  "unshareable",
  "leader-lost-local",
  "shadow",
]);

/** I5: where nothing went wrong, executions of a key never overlap, and a stampede is one execution. */
export function oneExecutionPerStampede(history: readonly HistoryLine[]): Violation[] {
  const executions = executionsOf(history);
  const overlaps = overlapsOf(executions).map(([earlier, later]): Violation => {
    const message = `two executions of ${earlier.key} overlap, and nothing had gone wrong`;
    return { invariant: "I5", message, lines: [...linesOf(earlier), ...linesOf(later)] };
  });
  const stampedes = [...stampedesOf(history).values()].flatMap((calls): Violation[] => {
    const runs = executionsDuring(calls, executions, history);
    if (runs.length === 1) return [];
    const message = `the stampede ${calls[0]?.stampede} of ${calls.length} calls took ${runs.length} executions`;
    return [{ invariant: "I5", message, lines: [...calls.slice(0, 1), ...runs.flatMap(linesOf)] }];
  });
  return [...overlaps, ...stampedes];
}

/**
 * I6: every overlap is explained by a recorded cause: the later one, or one between them, was elected because the earlier
 * one was held for lost, or the earlier one had given its place up, or one of the two ran on its own and said why. A cause may be recorded up to
 * `toleranceMs` after the overlap began; that an abort was ignored is only known at the end.
 */
export function everyOverlapHasACause(history: readonly HistoryLine[], toleranceMs: number): Violation[] {
  const executions = executionsOf(history);
  return overlapsOf(executions).flatMap(([earlier, later]) => {
    // One that lost its place keeps running, and nobody after its successor has to know of it.
    const successors = executions.filter((one) => isWithin(one, earlier, later));
    const isExplained =
      [earlier, later].some((one) => isKnownToBeLocal(one, executions, history, toleranceMs)) ||
      history.some((line) => {
        if (line.ev === "abort-ignored") return concerns(line, earlier);
        if (line.tMono > later.startedAt + toleranceMs || line.tMono < earlier.startedAt) return false;
        // Nobody could know of the earlier one any more, whenever its own process finds out.
        if (line.fault === "redis-lost-data") return true;
        if (SUCCEEDS.has(line.ev) && successors.some((one) => isElectionOf(one, line))) return true;
        if (LOST.has(line.ev) && line.token === earlier.token && line.key === earlier.key) return true;
        return DISPLACED.has(line.ev) && displaces(line, earlier);
      });
    if (isExplained) return [];
    const message = `two executions of ${earlier.key} overlap, and no cause was recorded`;
    return [{ invariant: "I6", message, lines: [...linesOf(earlier), ...linesOf(later)] }];
  });
}

/**
 * I13: in fallback a process runs a key once at a time, and no more than `maxFallbackConcurrency` keys. One that was aged,
 * evicted or forgotten and goes on is not counted.
 */
export function fallbackIsLimited(
  history: readonly HistoryLine[],
  maxFallbackConcurrency: number,
): Violation[] {
  const fallbacks = fallbacksOf(history);
  const violations: Violation[] = [];
  for (const later of fallbacks) {
    const running = fallbacks.filter((one) => {
      const runs = one.startedAt <= later.startedAt && later.startedAt < one.endedAt;
      return runs && one.process === later.process && !wasDisplaced(one, later.startedAt, history);
    });
    const twins = running.filter(({ key }) => key === later.key);
    if (twins.length > 1) {
      const message = `${later.process} runs ${later.key} ${twins.length} times at once in fallback`;
      violations.push({ invariant: "I13", message, lines: twins.flatMap(linesOf) });
    }
    if (running.length > maxFallbackConcurrency) {
      const message = `${later.process} runs ${running.length} works in fallback; ${maxFallbackConcurrency} are allowed`;
      violations.push({ invariant: "I13", message, lines: running.flatMap(linesOf) });
    }
  }
  return violations;
}

function stampedesOf(history: readonly HistoryLine[]): Map<string, HistoryLine[]> {
  const stampedes = new Map<string, HistoryLine[]>();
  for (const line of history) {
    if (line.ev !== "call" || line.stampede === undefined) continue;
    const name = JSON.stringify([line.key, line.stampede]);
    stampedes.set(name, [...(stampedes.get(name) ?? []), line]);
  }
  return stampedes;
}

/** From the first call of a stampede to its last answer. */
function executionsDuring(
  calls: readonly HistoryLine[],
  executions: readonly Execution[],
  history: readonly HistoryLine[],
): Execution[] {
  const names = new Set(calls.map(({ process, call }) => JSON.stringify([process, call])));
  const answers = history.filter(({ ev, process, call }) => {
    return (ev === "return" || ev === "error") && names.has(JSON.stringify([process, call]));
  });
  const from = Math.min(...calls.map(({ tMono }) => tMono));
  const until = Math.max(...answers.map(({ tMono }) => tMono));
  return executions.filter(
    ({ key, startedAt }) => key === calls[0]?.key && startedAt >= from && startedAt <= until,
  );
}

/** It has no token, and a cause of its own: recorded after the process last ran this key so, or an open breaker. */
function isKnownToBeLocal(
  execution: Execution,
  executions: readonly Execution[],
  history: readonly HistoryLine[],
  toleranceMs: number,
): boolean {
  const { process, key, token, startedAt } = execution;
  if (token !== undefined) return false;
  const before = executions.findLast((one) => {
    return one.process === process && one.key === key && one.token === undefined && one.startedAt < startedAt;
  });
  let isLocal = false;
  for (const line of history) {
    if (line.tMono > startedAt + toleranceMs) break;
    if (line.process !== process) continue;
    if (line.ev === "breaker-open") isLocal = true;
    if (line.ev === "breaker-closed" && line.tMono <= startedAt) isLocal = false;
    if (LOCAL.has(line.ev) && line.key === key && line.tMono > (before?.startedAt ?? -Infinity)) return true;
  }
  return isLocal;
}

/** Of the same key, begun after the earlier one and no later than the later one. */
function isWithin(one: Execution, earlier: Execution, later: Execution): boolean {
  const isBegun = one.startedAt >= earlier.startedAt && one.startedAt <= later.startedAt;
  return one.key === earlier.key && isBegun && one !== earlier;
}

function isElectionOf(execution: Execution, line: HistoryLine): boolean {
  return line.token !== undefined && line.token === execution.token && concerns(line, execution);
}

/** Told by the process itself, about this flight, or about the whole process. */
function concerns(line: HistoryLine, { process, key, token }: Execution): boolean {
  const isAbout = line.key === "" || (line.key === key && (line.token === undefined || line.token === token));
  return line.process === process && isAbout;
}

function displaces(line: HistoryLine, execution: Execution): boolean {
  // Anybody may forget a key.
  return (line.ev === "forgotten" && line.key === execution.key) || concerns(line, execution);
}

function fallbacksOf(history: readonly HistoryLine[]): Execution[] {
  const fallbacks = history.filter(({ ev }) => ev === "fallback");
  return executionsOf(history).filter(({ process, key, token, startedAt }) => {
    const isSo = fallbacks.some(
      (line) => line.process === process && line.key === key && line.tMono <= startedAt,
    );
    return token === undefined && isSo;
  });
}

function wasDisplaced(execution: Execution, before: number, history: readonly HistoryLine[]): boolean {
  return history.some((line) => {
    const isInTime = line.tMono >= execution.startedAt && line.tMono <= before;
    return isInTime && DISPLACED.has(line.ev) && displaces(line, execution);
  });
}
