/** Holds what happened in a simulation against the invariants: the history checker's, the referee's, and some of its own. */
import { inspect } from "node:util";
import { checkHistory, describeViolations } from "@skein/testkit";
import { SkeinClusterError } from "../../src/errors.ts";
import { RemoteWorkError } from "../../src/remote-work-error.ts";
import { SkeinError } from "@skein/core";
import { LONGEST_AGE_MS, LONGEST_LEASE_MS, LONGEST_POLL_MS } from "./scenario.ts";
import { LATEST_MS } from "./simulated-network.ts";
import type { Simulation } from "./simulation.ts";
import { LONGEST_WORK_MS, type Executed } from "./simulated-work.ts";

export interface Call {
  readonly name: string;
  readonly key: string;
  readonly process: string;
  readonly beganAt: number;
  timeoutMs?: number;
  answeredAt?: number;
  value?: unknown;
  error?: unknown;
}

/** Errand, wake-up, re-join: what may be under way when a call begins. */
const WAYS = 3;
/** Of an undisturbed network, one way. */
const SWIFT_MS = 4;
/** Within so long of the last fault everything is as it should be, but for work that nobody can stop. */
const RECOVERY_MS = LONGEST_AGE_MS + 2 * LONGEST_LEASE_MS + LONGEST_POLL_MS + 2_000;

export function judge(simulation: Simulation, calmAt: number): string[] {
  const { referee } = simulation.server;
  const own = [
    ...simulation.calls.flatMap((call) => [
      ...valueIsNotOld(simulation, call),
      ...errorIsExpected(simulation, call),
      ...recovers(simulation, call, calmAt),
    ]),
    ...successionsAreTold(simulation),
    ...nothingIsRejected(simulation),
    ...wakeUpsArrive(simulation),
    ...comesToRest(simulation),
  ];
  return [...referee.violations, ...historyHolds(simulation), ...own];
}

function historyHolds({ recorder, scenario, server }: Simulation): string[] {
  const { elections } = server.referee;
  // Without jumps of the server's clock: the checker takes the numbers for the order of elections.
  const lines = recorder.lines.map((line) => {
    const { token = "" } = line;
    const order = elections.get(token);
    return order === undefined ? line : { ...line, token: token.replace(/^\d+/, String(order)) };
  });
  const violations = checkHistory(lines, {
    undisturbed: scenario.undisturbed,
    maxFallbackConcurrency: scenario.maxFallbackConcurrency,
    // Below, to the millisecond.
    wakeUpMs: Infinity,
    marginMs: 0,
    causeToleranceMs: 0,
  });
  // The referee knows which takeovers were withdrawn.
  return violations
    .filter(({ invariant }) => invariant !== "I11")
    .map((violation) => describeViolations([violation]));
}

/** I4, to the millisecond. */
function valueIsNotOld({ work, server, scenario, processes, mishaps }: Simulation, call: Call): string[] {
  if (call.answeredAt === undefined || call.value === undefined) return [];
  const source = typeof call.value === "string" ? work.executed.get(call.value) : undefined;
  // I7 is the history checker's.
  if (source === undefined) return [`I7: ${call.name} got ${inspect(call.value)}`];
  const settledAt = server.referee.settledAt(source.text) ?? -Infinity;
  const wayMs = WAYS * (scenario.undisturbed ? SWIFT_MS : LATEST_MS);
  const freshMs = processes.find(({ id }) => id === call.process)?.policy.freshMs ?? 0;
  const deafMs = mishaps.lasted(call.process, ["stopped", "inbox"], source.endedAt, call.answeredAt);
  const limit = Math.max(source.endedAt, settledAt + wayMs) + freshMs + deafMs;
  if (call.beganAt <= limit) return [];
  // The age of an outcome is told by the server's clock.
  if (freshMs > 0 && mishaps.befell(call.process, ["server"], source.endedAt, call.answeredAt)) return [];
  return [
    `I4: ${call.name} of ${call.process} began at ${call.beganAt} and got ${source.text}, over at ${limit}`,
  ];
}

/** I7 for errors: the work's own, or one that says what became of the flight. */
function errorIsExpected({ work }: Simulation, call: Call): string[] {
  const { error } = call;
  if (error === undefined) return [];
  const thrown = error instanceof Error ? /boom (\S+)/.exec(error.message)?.[1] : undefined;
  if (thrown !== undefined) {
    const source: Executed | undefined = work.executed.get(thrown);
    if (source?.failed === true && source.key === call.key) return [];
  } else if (
    error instanceof RemoteWorkError ||
    error instanceof SkeinClusterError ||
    error instanceof SkeinError
  ) {
    return [];
  } else if (error instanceof Error && error.message === "left") return [];
  return [`I7: ${call.name} of ${call.key} was rejected with ${inspect(error)}`];
}

/** I9, I10 */
function recovers({ work, processes }: Simulation, call: Call, calmAt: number): string[] {
  const process = processes.find(({ id }) => id === call.process);
  if (process?.killed === true) return [];
  const { answeredAt } = call;
  if (answeredAt === undefined) {
    return [`I9: ${call.name} of ${call.key} in ${call.process} was never answered`];
  }
  if (answeredAt <= calmAt + RECOVERY_MS) return [];
  // Its own process's work that ignores its abort holds a call that set no limit.
  const held = [...work.executed.values()].some(
    (one) =>
      one.process === call.process &&
      one.key === call.key &&
      one.beganAt <= calmAt + RECOVERY_MS &&
      one.endedAt === answeredAt,
  );
  if (held && answeredAt <= calmAt + LONGEST_WORK_MS + RECOVERY_MS) return [];
  return [
    `I10: ${call.name} of ${call.key} in ${call.process} was answered ${answeredAt - calmAt} ms after the last fault`,
  ];
}

/** P1: whoever leads in place of a leader that was lost says so. */
function successionsAreTold({ recorder, server }: Simulation): string[] {
  const told = new Set<string>();
  for (const { event } of recorder.told) if (event.type === "takeover") told.add(event.flightId);
  return recorder.told.flatMap(({ at, process, event }) =>
    event.type === "lead" && server.referee.successions.has(event.flightId) && !told.has(event.flightId)
      ? [`P1: ${process} succeeded a leader as ${event.flightId}, and did not say so at ${at}`]
      : [],
  );
}

/** Nobody but us writes: whatever is refused was written wrongly, or read wrongly. */
function nothingIsRejected({ recorder }: Simulation): string[] {
  return recorder.told.flatMap(({ at, process, event }) =>
    event.type === "rejected" ? [`I7: ${process} refused something as ${event.why} at ${at}`] : [],
  );
}

/** Where nothing is lost, nobody finds an outcome by looking for it. */
function wakeUpsArrive({ recorder, scenario }: Simulation): string[] {
  if (!scenario.undisturbed) return [];
  return recorder.told.flatMap(({ at, process, event }) =>
    event.type === "wakeup-missed" && event.sinceSettledMs > WAYS * SWIFT_MS
      ? [`P2: ${process} was not woken, and found the outcome at ${at}, ${event.sinceSettledMs} ms later`]
      : [],
  );
}

/** I10, I12 */
function comesToRest({ processes, server }: Simulation): string[] {
  const restless = processes.filter((process) => !process.killed && !process.quiet);
  return [
    ...restless.map(({ id }) => `I12: ${id} is not quiet`),
    ...(server.flightTtlsMs.length > 0 ? ["I12: the server still holds flights"] : []),
  ];
}
