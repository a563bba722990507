/** I4, I7, I9: what callers were told, and when. */
import { executionsOf, linesOf } from "../executions.ts";
import type { HistoryLine } from "../history.ts";
import { pausedMs } from "../pauses.ts";
import type { Violation } from "../violation.ts";

/**
 * I4: a returned value comes from an execution that had not finished when the call began. An outcome may be `freshMs`
 * older, and `wakeUpMs` more, since a settle or wake-up under way does no harm; so may the time that the process was
 * stopped, with the wake-up unread. Where no line says that it was settled, `settleMs` passes for that.
 */
export function noValueIsOlderThanItsCall(
  history: readonly HistoryLine[],
  { freshMs, wakeUpMs, settleMs }: { freshMs: number; wakeUpMs: number; settleMs: number },
): Violation[] {
  const executions = Map.groupBy(executionsOf(history), ({ key, end }) => JSON.stringify([key, end?.digest]));
  const settles = new Map<string, HistoryLine>();
  for (const line of history) {
    const flight = JSON.stringify([line.key, line.token]);
    if (line.ev === "settle-accepted" && !settles.has(flight)) settles.set(flight, line);
  }
  return answersOf(history).flatMap(({ call, answer }) => {
    if (answer.ev !== "return" || answer.digest === undefined) return [];
    // A value that nobody produced is I7's concern.
    const sources = executions.get(JSON.stringify([answer.key, answer.digest])) ?? [];
    const isYoungEnough = sources.some(({ key, token, endedAt }) => {
      const settle = token === undefined ? undefined : settles.get(JSON.stringify([key, token]));
      const knownAt = settle === undefined ? endedAt + settleMs : Math.max(endedAt, settle.tMono);
      const stoppedMs = pausedMs(history, answer.process, knownAt, answer.tMono);
      return call.tMono <= knownAt + freshMs + wakeUpMs + stoppedMs;
    });
    if (isYoungEnough || sources.length === 0) return [];
    const message = `call ${call.call} of ${call.process} got a value that was ready before it began`;
    return [{ invariant: "I4", message, lines: [...sources.flatMap(linesOf), call, answer] }];
  });
}

/** I7: what a call returns, some execution of that key produced, byte for byte. */
export function valuesAreWhatWasProduced(history: readonly HistoryLine[]): Violation[] {
  const produced = new Set<string>();
  for (const { ev, key, digest } of history) {
    if (ev === "end" && digest !== undefined) produced.add(JSON.stringify([key, digest]));
  }
  return history.flatMap((line) => {
    if (line.ev !== "return" || line.digest === undefined) return [];
    if (produced.has(JSON.stringify([line.key, line.digest]))) return [];
    const message = `call ${line.call} of ${line.process} returned what no execution of ${line.key} produced`;
    return [{ invariant: "I7", message, lines: [line] }];
  });
}

/**
 * I9: every call is answered once, by its own deadline and a margin for slow machines. The time that its process was
 * stopped does not count, and a process that was killed owes nothing any more.
 */
export function everyCallIsAnsweredInTime(history: readonly HistoryLine[], marginMs: number): Violation[] {
  const killedAt = new Map(
    history.flatMap(({ fault, target, tMono }) => (fault === "killed" ? [[target, tMono]] : [])),
  );
  const answers = new Map<string, HistoryLine[]>();
  for (const line of history) {
    if (isAnswer(line)) answers.set(callOf(line), [...(answers.get(callOf(line)) ?? []), line]);
  }
  return history.flatMap((call) => {
    if (call.ev !== "call") return [];
    const given = answers.get(callOf(call)) ?? [];
    const about = (what: string, ...lines: HistoryLine[]): Violation[] => [
      { invariant: "I9", message: `call ${call.call} of ${call.process} ${what}`, lines: [call, ...lines] },
    ];
    if (given.length > 1) return about("was answered more than once", ...given);
    const overAt = given[0]?.tMono ?? killedAt.get(call.process);
    if (overAt === undefined) return about("was never answered");
    if (call.deadlineMs === undefined) return [];
    const lateMs = overAt - call.tMono - call.deadlineMs;
    if (lateMs - pausedMs(history, call.process, call.tMono, overAt) <= marginMs) return [];
    return about(`was open ${Math.round(lateMs)} ms after its deadline`, ...given);
  });
}

function answersOf(history: readonly HistoryLine[]): { call: HistoryLine; answer: HistoryLine }[] {
  const calls = new Map(history.filter(({ ev }) => ev === "call").map((line) => [callOf(line), line]));
  return history.flatMap((answer) => {
    const call = isAnswer(answer) ? calls.get(callOf(answer)) : undefined;
    return call === undefined ? [] : [{ call, answer }];
  });
}

function isAnswer({ ev, call }: HistoryLine): boolean {
  return (ev === "return" || ev === "error") && call !== undefined;
}

function callOf({ process, call }: HistoryLine): string {
  return JSON.stringify([process, call]);
}
