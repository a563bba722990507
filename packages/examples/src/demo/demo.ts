// The plot: start the backends, make the data, play the three rounds, kill a leader.

import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { startBackends } from "./backends.ts";
import { calibrate } from "./calibration.ts";
import { counted } from "./counted.ts";
import { PROCESSES } from "./fleet.ts";
import { killLeader, type LeaderKilledStory } from "./leader-kill.ts";
import type { Mode } from "./mode.ts";
import type { Progress } from "./progress.ts";
import { RedisCommands } from "./redis-commands.ts";
import { playRound, type RoundStory } from "./round.ts";
import { ROWS, createSales, dayBeforeLast } from "./sales.ts";
import type { Stage } from "./stage.ts";
import { CALLERS_PER_PROCESS } from "./stampede.ts";
import { duration } from "./table.ts";

export interface DemoStory {
  readonly rounds: readonly RoundStory[];
  readonly leaderKilled: LeaderKilledStory;
}

const MODES: readonly Mode[] = ["none", "in-process", "cluster"];

/** Leaves nothing behind, whether it returns, throws, or is aborted. */
export async function runDemo(
  redisUrl: string | undefined,
  progress: Progress,
  signal: AbortSignal,
): Promise<DemoStory> {
  progress.step(
    `Starting Postgres${redisUrl === undefined ? " and Redis" : ", using the Redis of REDIS_URL"}.`,
  );
  await using backends = await startBackends(redisUrl);
  signal.throwIfAborted();
  await using postgres = await connect(backends.ready.postgresUrl);
  await using redisCommands = await RedisCommands.watch(backends.ready.redisUrl);

  progress.step(`Filling a table with ${ROWS.toLocaleString("en")} sales.`);
  await createSales(postgres.client);
  const { windowDays, rows, queryMs } = await calibrate(postgres.client, signal);
  progress.step(
    `The report covers ${windowDays} days (${rows.toLocaleString("en")} rows) and takes ${queryMs} ms on one idle core.`,
  );
  const stage: Stage = {
    backends: backends.ready,
    namespace: `demo-${randomUUID()}`,
    postgres: postgres.client,
    redisCommands,
    windowDays,
    progress,
    signal,
  };

  const rounds: RoundStory[] = [];
  for (const [index, mode] of MODES.entries()) {
    signal.throwIfAborted();
    progress.step(
      `Round "${mode}": ${PROCESSES} servers, ${PROCESSES * CALLERS_PER_PROCESS} callers at once.`,
    );
    const played = await playRound(mode, dayBeforeLast(index), stage);
    progress.step(
      `Round "${mode}": ${counted(played.round.queries, "query", "queries")}, p99 ${duration(played.round.p99Ms)}.`,
    );
    rounds.push(played);
  }
  progress.step("Once more in the cluster, and the leader is killed in mid-flight.");
  const leaderKilled = await killLeader(MODES.length, stage);
  progress.step(`Taken over after ${leaderKilled.leaderKilled.takeoverMs} ms. Cleaning up.`);
  return { rounds, leaderKilled };
}

async function connect(postgresUrl: string): Promise<AsyncDisposable & { client: Client }> {
  const client = new Client({ connectionString: postgresUrl });
  // Without a listener, a Postgres that goes away would end this process before it has cleaned up.
  client.on("error", () => undefined);
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
