/** I5, I6, I13: when the work of a key ran, and how often at a time. */
import { type Execution, executionsOf, linesOf, overlapsOf } from "../executions.ts";
import type { CauseMark, FlightMark, HistoryLine } from "../history.ts";
import { linesWith } from "../line-index.ts";
import { dataLossesOf, forgettingsOf, isBetween } from "../occurrences.ts";
import { grantOf } from "../token.ts";
import type { Violation } from "../violation.ts";

type Mark = FlightMark | CauseMark | "fault";

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

const takeoverOfKey = ({ ev, key }: HistoryLine): string | undefined => (ev === "takeover" ? key : undefined);
/** Of one key; under "", of a whole process. */
const lossOfKey = ({ ev, key }: HistoryLine): string | undefined =>
  LOST.has(ev) || DISPLACED.has(ev) ? key : undefined;
const aloneOfProcess = ({ ev, process }: HistoryLine): string | undefined =>
  LOCAL.has(ev) || ev === "breaker-open" || ev === "breaker-closed" ? process : undefined;
const callOfKey = ({ ev, process, key }: HistoryLine): string | undefined =>
  ev === "call" || ev === "return" || ev === "error" ? JSON.stringify([process, key]) : undefined;
const fallbackOfKey = ({ ev, process, key }: HistoryLine): string | undefined =>
  ev === "fallback" ? JSON.stringify([process, key]) : undefined;

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
 * I6: every overlap is explained by a recorded cause. Of two that were elected: somebody took over from a leader held for
 * lost after the election of the first, up to that of the second; or the data was lost or the key forgotten between the
 * two; or it is said of the first one that its place was lost or given up, up to `toleranceMs` after the overlap began (that an
 * abort was ignored is only known at the end). Each that ran on its own is explained by what its process said of that, and
 * by nothing else.
 */
export function everyOverlapHasACause(history: readonly HistoryLine[], toleranceMs: number): Violation[] {
  const executions = executionsOf(history);
  const losses = dataLossesOf(history);
  const forgettings = forgettingsOf(history);
  return overlapsOf(executions).flatMap(([earlier, later]) => {
    const isElected = earlier.token !== undefined && later.token !== undefined;
    const [first, second] = isElected ? inOrderOfElection(earlier, later) : [earlier, later];
    const isExplained = isElected
      ? wasSucceeded(first, second, history) ||
        // Nobody could know of the first one any more, whenever its own process finds out.
        losses.some((loss) => isBetween(loss, first, second)) ||
        forgettings.some((forgetting) => {
          return forgetting.line.key === first.key && isBetween(forgetting, first, second);
        }) ||
        isKnownToBeLost(first, later.startedAt + toleranceMs, history)
      : [earlier, later].every((one) => {
          return one.token !== undefined || isKnownToBeLocal(one, executions, history, toleranceMs);
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
  const byProcess = Map.groupBy(fallbacks, ({ process }) => process);
  const violations: Violation[] = [];
  for (const later of fallbacks) {
    const running = (byProcess.get(later.process) ?? []).filter((one) => {
      const runs = one.startedAt <= later.startedAt && later.startedAt < one.endedAt;
      return runs && !wasDisplaced(one, later.startedAt, history);
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
  for (const line of linesWith(history, aloneOfProcess, process)) {
    if (line.tMono > startedAt + toleranceMs) break;
    if (line.ev === "breaker-open") isLocal = true;
    if (line.ev === "breaker-closed" && line.tMono <= startedAt) isLocal = false;
    if (LOCAL.has(line.ev) && line.key === key && line.tMono > (before?.startedAt ?? -Infinity)) return true;
  }
  return isLocal;
}

/** The one whose work began first may have been elected last: a reply can be long under way. */
function inOrderOfElection(one: Execution, other: Execution): [first: Execution, second: Execution] {
  return grantOf(one.token ?? "") <= grantOf(other.token ?? "") ? [one, other] : [other, one];
}

/**
 * The second, or somebody elected between the two, took over from a leader held for lost. One that lost its place keeps
 * running, and nobody after its successor has to know of it.
 */
function wasSucceeded(first: Execution, second: Execution, history: readonly HistoryLine[]): boolean {
  const [from, until] = [grantOf(first.token ?? ""), grantOf(second.token ?? "")];
  return linesWith(history, takeoverOfKey, first.key).some(({ token, reason }) => {
    // Who resigned says so itself.
    if (reason === "resigned" || token === undefined) return false;
    return grantOf(token) > from && grantOf(token) <= until;
  });
}

function isKnownToBeLost(execution: Execution, until: number, history: readonly HistoryLine[]): boolean {
  return lossesOf(execution.key, history).some((line) => {
    if (line.ev === "abort-ignored") return concerns(line, execution);
    if (line.tMono < execution.startedAt || line.tMono > until) return false;
    if (LOST.has(line.ev) && line.token === execution.token && line.key === execution.key) return true;
    // Without a token it is the key that was forgotten, at a moment of its own.
    if (line.ev === "forgotten" && line.token === undefined) return false;
    return DISPLACED.has(line.ev) && concerns(line, execution);
  });
}

/** What is said of places that were lost or given up: of this key, and of whole processes. */
function lossesOf(key: string, history: readonly HistoryLine[]): HistoryLine[] {
  return [...linesWith(history, lossOfKey, key), ...linesWith(history, lossOfKey, "")];
}

/** Told by the process itself, about this flight, or about the whole process. */
function concerns(line: HistoryLine, { process, key, token }: Execution): boolean {
  const isAbout = line.key === "" || (line.key === key && (line.token === undefined || line.token === token));
  return line.process === process && isAbout;
}

function fallbacksOf(history: readonly HistoryLine[]): Execution[] {
  return executionsOf(history).filter(({ process, key, token, startedAt }) => {
    if (token !== undefined) return false;
    const fallbacks = linesWith(history, fallbackOfKey, JSON.stringify([process, key]));
    return fallbacks.some(({ tMono }) => tMono <= startedAt);
  });
}

/** Also before its work began, as long as it had callers: those may have waited for Redis in the meantime. */
function wasDisplaced(execution: Execution, before: number, history: readonly HistoryLine[]): boolean {
  const openedAt = Math.min(
    execution.startedAt,
    ...openCallsAt(execution, history).map(({ tMono }) => tMono),
  );
  return lossesOf(execution.key, history).some((line) => {
    const isInTime = line.tMono >= openedAt && line.tMono <= before;
    return isInTime && DISPLACED.has(line.ev) && concerns(line, execution);
  });
}

/** Calls of its process for its key that had begun, and were not answered, when it started. */
function openCallsAt({ process, key, startedAt }: Execution, history: readonly HistoryLine[]): HistoryLine[] {
  const lines = linesWith(history, callOfKey, JSON.stringify([process, key]));
  const own = lines.filter(({ tMono }) => tMono <= startedAt);
  const answered = new Set(own.filter(({ ev }) => ev === "return" || ev === "error").map(({ call }) => call));
  return own.filter(({ ev, call }) => ev === "call" && !answered.has(call));
}
