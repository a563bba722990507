// Episodes under a steady load on hot keys that expire all the time: Redis is paused, a replica is cut off from it, all
// replicas are restarted one after the other.

import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "@skein/testkit";
import type { LoadCall } from "../../service/load.ts";
import { REPLICAS, type Deployment } from "./deployment.ts";
import { docker } from "./docker.ts";
import { EpisodeRecord, type Episode } from "./episode.ts";
import { expiriesOf, tooExpensive, type Stop } from "./expiries.ts";

export const RATE_PER_SECOND = 200;
export const REPORT_TTL_MS = 1_000;
export const REDIS_TIMEOUT_MS = 250;
const HOT_KEYS = 8;
const PAUSED_MS = 10_000;
const CUT_MS = 5_000;
const BEFORE_MS = 3_000;
const AFTER_MS = 6_000;
export const RECOVERY_MS = 2_000;
// The load goes on until an episode is over, or so long.
const MAX_EPISODE_MS = 120_000;
/** What a timer and a busy event loop of this machine may add to a wait that the library ends in time. */
const LOOP_DELAY_MS = 75;

/** docker pause of Redis: everybody is answered, nobody waits longer than redisTimeoutMs for it, and it ends with it. */
export async function pauseRedis(deployment: Deployment): Promise<Episode> {
  const redis = await deployment.containerOf("redis");
  const record = new EpisodeRecord("docker pause of Redis for 10 s");
  let askedToPauseMs = 0;
  let resumedMs = 0;
  const { calls, beganMs } = await underLoad(deployment, async () => {
    askedToPauseMs = Date.now();
    await docker("pause", redis);
    await delay(PAUSED_MS);
    resumedMs = Date.now();
    await docker("unpause", redis);
  });
  record.calls(calls);
  // Also those that waited for Redis when it froze.
  const fromMs = askedToPauseMs - REDIS_TIMEOUT_MS;
  const starting = calls.flatMap(({ atMs, workAfterMs }) =>
    workAfterMs !== undefined && atMs >= fromMs && atMs < resumedMs ? [workAfterMs] : [],
  );
  const slowestStartMs = Math.max(...starting);
  record.figure("callsThatStartedWorkMeanwhile", starting.length);
  record.figure("redisTimeoutMs", REDIS_TIMEOUT_MS);
  record.figure("startedWithinRedisTimeout", starting.filter((ms) => ms <= REDIS_TIMEOUT_MS).length);
  record.figure("slowestStartMs", slowestStartMs);
  record.expect(starting.length > 0, "no call started work while Redis was paused");
  record.expect(
    slowestStartMs <= REDIS_TIMEOUT_MS + LOOP_DELAY_MS,
    `a call's work began ${slowestStartMs} ms after it was called, more than redisTimeoutMs (${REDIS_TIMEOUT_MS})`,
  );
  // It is paused some time before docker says so.
  await judgeExecutions(record, deployment, beganMs, { toMs: askedToPauseMs });
  await judgeExecutions(record, deployment, resumedMs + RECOVERY_MS, { name: "Afterwards" });
  return record.end();
}

/** docker network disconnect: the replica goes on alone, and comes back. */
export async function cutReplicaOff(deployment: Deployment): Promise<Episode> {
  const [replica] = await deployment.replicas();
  if (replica === undefined) throw new Error("No replica runs.");
  const network = `${deployment.project}_redis`;
  const record = new EpisodeRecord("docker network disconnect of a replica");
  let togetherMs = 0;
  const { calls } = await underLoad(deployment, async () => {
    await docker("network", "disconnect", network, replica.id);
    const cutMs = Date.now();
    await waitUntil(async () => (await deployment.stateOf(replica)).coordination === "alone", {
      what: "the replica to notice that it is alone",
      timeoutMs: CUT_MS,
    });
    record.figure("aloneAfterMs", Date.now() - cutMs);
    await delay(CUT_MS);
    const connectedMs = Date.now();
    await docker("network", "connect", network, replica.id);
    await waitUntil(async () => (await deployment.stateOf(replica)).coordination === "fleet", {
      what: "the replica to coordinate again",
      timeoutMs: 2 * AFTER_MS,
    });
    togetherMs = Date.now();
    record.figure("togetherAgainAfterMs", togetherMs - connectedMs);
  });
  record.calls(calls);
  await judgeExecutions(record, deployment, togetherMs + RECOVERY_MS, { name: "Afterwards" });
  return record.end();
}

/** Every replica is stopped as a deploy stops it, and started again: nobody notices. */
export async function restartAll(deployment: Deployment): Promise<Episode> {
  const replicas = await deployment.replicas();
  const record = new EpisodeRecord("rolling restart of all replicas");
  const stops: Stop[] = [];
  let took = 0;
  const { calls, beganMs } = await underLoad(deployment, async () => {
    const start = performance.now();
    for (const { id } of replicas) {
      const fromMs = Date.now();
      await docker("stop", "--time", "20", id);
      stops.push({ container: id, fromMs, toMs: Date.now() });
      const code = (await docker("inspect", "--format", "{{.State.ExitCode}}", id)).trim();
      record.expect(code === "0", `a replica ended with ${code} instead of draining`);
      await docker("start", id);
      await deployment.ready();
    }
    took = performance.now() - start;
  });
  record.calls(calls);
  record.figure("replicas", replicas.length);
  record.figure("restartedInMs", took);
  record.expect(replicas.length === REPLICAS, `${replicas.length} replicas instead of ${REPLICAS}`);
  await judgeExecutions(record, deployment, beganMs, { stops });
  return record.end();
}

/** The load's calls, from before it happens until some time after. */
export async function underLoad(
  deployment: Deployment,
  happen: () => Promise<void>,
): Promise<{ calls: readonly LoadCall[]; beganMs: number }> {
  const beganMs = Date.now();
  const load = deployment.startLoad({
    LOAD_RATE: String(RATE_PER_SECOND),
    LOAD_FOR_MS: String(MAX_EPISODE_MS),
    LOAD_HOT_KEYS: String(HOT_KEYS),
  });
  await waitUntil(async () => (await deployment.executionsSince(beganMs)).length >= HOT_KEYS, {
    what: "the load to begin",
    timeoutMs: 30_000,
  });
  await delay(BEFORE_MS);
  await happen();
  await delay(AFTER_MS);
  await load.end();
  return { calls: await load.calls, beganMs };
}

/** An expiry since then costs one execution, and one for each of its leaders that was stopped. */
export async function judgeExecutions(
  record: EpisodeRecord,
  deployment: Deployment,
  fromMs: number,
  { name = "", stops = [], toMs = Infinity }: { name?: string; stops?: readonly Stop[]; toMs?: number },
): Promise<void> {
  const executions = await deployment.executionsSince(fromMs);
  const expiries = expiriesOf(
    executions.filter(({ startedAtMs }) => startedAtMs < toMs),
    REPORT_TTL_MS,
  );
  const bad = tooExpensive(expiries, stops);
  record.figure(`expiries${name}`, expiries.length);
  record.figure(
    `mostExecutionsPerExpiry${name}`,
    Math.max(0, ...expiries.map((expiry) => expiry.executions.length)),
  );
  record.expect(expiries.length > 0, "no report expired");
  record.expect(
    bad.length === 0,
    `${bad.length} of ${expiries.length} expiries cost more than 1 execution and 1 per leader stopped: ${JSON.stringify(bad[0])}`,
  );
}
