// docker kill of the leader while its query runs and hundreds of callers of all replicas wait for it.

import { waitUntil } from "@skein/testkit";
import type { Deployment, Replica } from "./deployment.ts";
import { docker } from "./docker.ts";
import { EpisodeRecord, type Episode } from "./episode.ts";

const CALLERS = 280;
const DAY = "2026-03-01";
// Several seconds of work: docker kill takes its time.
const ROWS = 20_000_000;

export async function killLeaderContainer(deployment: Deployment): Promise<Episode> {
  const beganMs = Date.now();
  const replicas = await deployment.replicas();
  const landing = deployment.load({
    LOAD_STAMPEDE: `/live/${DAY}?rows=${ROWS}`,
    LOAD_CALLERS: String(CALLERS),
  });
  const leader = await waitUntil(() => leaderWithEverybodyWaiting(deployment, replicas), {
    what: "one replica to run the query while everybody waits",
    timeoutMs: 60_000,
  });
  const killedMs = Date.now();
  await docker("kill", leader.id);
  const calls = await landing;
  const executions = await deployment.executionsSince(beganMs);
  const record = new EpisodeRecord("docker kill of the leader");
  record.calls(calls, { isKill: true });
  record.figure("executions", executions.length);
  record.expect(
    executions.length === 2,
    `${executions.length} executions instead of 2, the killed one included`,
  );
  record.figure("takeoverMs", (executions[1]?.startedAtMs ?? Number.NaN) - killedMs);
  await docker("start", leader.id);
  await deployment.ready();
  return record.end();
}

async function leaderWithEverybodyWaiting(
  deployment: Deployment,
  replicas: readonly Replica[],
): Promise<Replica | undefined> {
  const states = await Promise.all(replicas.map((replica) => deployment.stateOf(replica)));
  const waiting = states.reduce((sum, { callersWaiting }) => sum + callersWaiting, 0);
  const [leader, ...others] = replicas.filter((_, index) => (states[index]?.leading.length ?? 0) > 0);
  return waiting === CALLERS && others.length === 0 ? leader : undefined;
}
