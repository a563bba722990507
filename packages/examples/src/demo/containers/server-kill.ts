// docker kill of a server that the replicas coordinate over, under a steady load: the primary that Sentinels watch, a node
// of a cluster.

import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "@skein/testkit";
import type { Deployment } from "./deployment.ts";
import { docker } from "./docker.ts";
import { EpisodeRecord, type Episode } from "./episode.ts";
import { judgeExecutions, RECOVERY_MS, underLoad } from "./under-load.ts";

const DOWN_MS = 5_000;
const MAX_NOTICE_MS = 10_000;
const MAX_RECOVERY_MS = 60_000;

export interface KillServerOptions {
  /** The same container is started again after a while. Otherwise another server has to take its place. */
  readonly isStartedAgain: boolean;
}

export async function killServer(
  deployment: Deployment,
  service: string,
  { isStartedAgain }: KillServerOptions,
): Promise<Episode> {
  const server = await deployment.containerOf(service);
  const record = new EpisodeRecord(`docker kill of ${service}`);
  let togetherMs = 0;
  const { calls } = await underLoad(deployment, async () => {
    await docker("kill", server);
    const killedMs = Date.now();
    await waitUntil(async () => (await coordinationOf(deployment)).includes("alone"), {
      what: "a replica to notice",
      timeoutMs: MAX_NOTICE_MS,
    });
    record.figure("noticedAfterMs", Date.now() - killedMs);
    if (isStartedAgain) {
      await delay(DOWN_MS);
      await docker("start", server);
    }
    await waitUntil(async () => !(await coordinationOf(deployment)).includes("alone"), {
      what: "every replica to coordinate again",
      timeoutMs: MAX_RECOVERY_MS,
    });
    togetherMs = Date.now();
    record.figure("togetherAgainAfterMs", togetherMs - killedMs);
  });
  record.calls(calls);
  await judgeExecutions(record, deployment, togetherMs + RECOVERY_MS, { name: "Afterwards" });
  return record.end();
}

async function coordinationOf(deployment: Deployment): Promise<readonly ("fleet" | "alone")[]> {
  const replicas = await deployment.replicas();
  const states = await Promise.all(replicas.map((replica) => deployment.stateOf(replica)));
  return states.map(({ coordination }) => coordination);
}
