// The leader dies in mid-flight: SIGKILL, while its query runs and hundreds of callers of the other processes wait for it.
// Nothing here relies on timing: the kill waits until Postgres runs the query and every caller is known to wait.

import { setTimeout as delay } from "node:timers/promises";
import { countExecutions, executionsSince, type ExecutionCount } from "./execution-count.ts";
import { Fleet } from "./fleet.ts";
import { failuresOf } from "./round.ts";
import { dayBeforeLast } from "./sales.ts";
import type { Server } from "./server.ts";
import type { Stage } from "./stage.ts";
import { CALLERS_PER_PROCESS, Stampede, type Call } from "./stampede.ts";

/** As printed by --json. */
export interface LeaderKilled {
  /** Callers of the surviving processes. */
  readonly requests: number;
  readonly answered: number;
  /** Executions of the report that Postgres started; the killed one counts. */
  readonly queries: number;
  /** From the SIGKILL to the start of the second execution, as Postgres saw it. */
  readonly takeoverMs: number;
}

export interface LeaderKilledStory {
  readonly leaderKilled: LeaderKilled;
  readonly leaderPid: number;
  /** The process that took over. */
  readonly successorPid: number;
  readonly failures: readonly string[];
}

const MAX_ATTEMPTS = 5;
const POLL_EVERY_MS = 5;

/** `firstDay` and the days before it name reports that nobody has asked for. */
export async function killLeader(firstDay: number, stage: Stage): Promise<LeaderKilledStory> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const story = await tryToKillLeader(dayBeforeLast(firstDay + attempt), stage);
    if (story !== undefined) return story;
    stage.progress.step("The flight had landed before its leader could be killed; once more.");
  }
  throw new Error(`In ${MAX_ATTEMPTS} attempts no leader could be caught in mid-flight.`);
}

/** Undefined when the flight landed before the kill. */
async function tryToKillLeader(day: string, stage: Stage): Promise<LeaderKilledStory | undefined> {
  const { backends, namespace, postgres, windowDays, signal } = stage;
  await using fleet = await Fleet.start({ mode: "cluster", namespace, windowDays, ...backends });
  await using stampede = await Stampede.open(fleet.servers);
  const before = await countExecutions(postgres);
  const executions = async (): Promise<ExecutionCount> =>
    executionsSince(before, await countExecutions(postgres));

  const landing = new Landing(stampede.run(`/report/${day}`, signal));
  const kill = await killInMidFlight(fleet.servers, landing, executions);
  const calls = await landing.calls;
  const { started } = await executions();
  if (kill === undefined) return undefined;

  const survivors = calls.filter((call) => call.server !== kill.leader);
  const answers = survivors.flatMap((call) => call.answer ?? []);
  if (started === 1 && answers.length === survivors.length) return undefined;
  const successor = answers.find((answer) => answer.role !== "follower");
  if (successor === undefined) {
    const fate = `${answers.length} of ${survivors.length} surviving callers were answered`;
    throw new Error(`The leader was killed and no other process took over: ${fate}.`);
  }
  return {
    leaderKilled: {
      requests: survivors.length,
      answered: answers.length,
      queries: started,
      takeoverMs: Math.round(successor.value.startedAtMs - kill.atMs),
    },
    leaderPid: kill.leader.pid,
    successorPid: successor.pid,
    failures: failuresOf(survivors),
  };
}

interface Kill {
  readonly leader: Server;
  /** By the machine's clock, ms since 1970: Postgres reads the same one. */
  readonly atMs: number;
}

/** Waits until one process runs the query and everybody else waits for it, then kills that process. */
async function killInMidFlight(
  servers: readonly Server[],
  landing: Landing,
  executions: () => Promise<ExecutionCount>,
): Promise<Kill | undefined> {
  while (!landing.isOver) {
    const [statuses, { started }] = await Promise.all([
      Promise.all(servers.map((server) => server.status())),
      executions(),
    ]);
    const everybodyWaits = statuses.every((status) => status.callersWaiting === CALLERS_PER_PROCESS);
    const [leader, ...others] = servers.filter((_, index) => statuses[index]?.worksRunning === 1);
    if (started === 1 && everybodyWaits && leader !== undefined && others.length === 0) {
      const atMs = Date.now();
      await leader.kill();
      return { leader, atMs };
    }
    await delay(POLL_EVERY_MS);
  }
  return undefined;
}

/** The stampede's calls, and whether all of them have ended. */
class Landing {
  readonly calls: Promise<readonly Call[]>;
  isOver = false;

  constructor(calls: Promise<readonly Call[]>) {
    const over = (): void => {
      this.isOver = true;
    };
    calls.then(over, over);
    this.calls = calls;
  }
}
