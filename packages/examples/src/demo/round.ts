// One round: a fleet in one mode, one cold key, everybody at once; then Postgres and Redis are asked what it cost.

import { countExecutions, executionsSince } from "./execution-count.ts";
import { Fleet, PROCESSES } from "./fleet.ts";
import type { Mode } from "./mode.ts";
import { percentile } from "./percentile.ts";
import { totalOf, type CommandCounts } from "./redis-commands.ts";
import type { Stage } from "./stage.ts";
import { Stampede, type Call } from "./stampede.ts";

/** As printed by --json. */
export interface Round {
  readonly name: Mode;
  readonly processes: number;
  readonly requests: number;
  /** Executions of the report, from Postgres. */
  readonly queries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Commands that the fleet sent to Redis. */
  readonly redisCommands: number;
  readonly errors: number;
}

export interface RoundStory {
  readonly round: Round;
  readonly commands: CommandCounts;
  /** What went wrong, each complaint once. */
  readonly failures: readonly string[];
}

/** `day` names the report, and so the key; nobody may have asked for it before. */
export async function playRound(mode: Mode, day: string, stage: Stage): Promise<RoundStory> {
  const { backends, namespace, postgres, redisCommands, windowDays, progress, signal } = stage;
  await using fleet = await Fleet.start({ mode, namespace, windowDays, ...backends });
  await using stampede = await Stampede.open(fleet.servers);
  const before = await countExecutions(postgres);
  const { result: calls, counts } = await redisCommands.during(() =>
    progress.during(stampede.run(`/report/${day}`, signal), () => `${stampede.waiting} callers are waiting.`),
  );
  const executions = executionsSince(before, await countExecutions(postgres));
  const latencies = calls.map((call) => call.latencyMs);
  const failures = failuresOf(calls);
  const round: Round = {
    name: mode,
    processes: PROCESSES,
    requests: calls.length,
    queries: executions.started,
    p50Ms: Math.round(percentile(latencies, 50)),
    p99Ms: Math.round(percentile(latencies, 99)),
    redisCommands: totalOf(counts),
    errors: failures.length,
  };
  if (executions.completed !== executions.started) {
    failures.push(`Postgres started ${executions.started} queries but completed ${executions.completed}`);
  }
  return { round, commands: counts, failures: [...new Set(failures)] };
}

/** A complaint for each call that got no answer, or figures that differ from those that others got. */
export function failuresOf(calls: readonly Call[]): string[] {
  const answered = calls.find((call) => call.answer !== undefined);
  return calls.flatMap((call) => {
    if (call.answer === undefined) return call.failure ?? "no answer";
    const agrees = answered !== undefined && figuresOf(call) === figuresOf(answered);
    return agrees ? [] : "callers of the same report got different figures";
  });
}

function figuresOf(call: Call): string {
  return JSON.stringify(call.answer?.value.stores);
}
