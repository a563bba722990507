// Runs as a process: starts Postgres and Redis in a temporary directory, stops and removes them when the demo is gone.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisServer } from "@skein/testkit";
import type { BackendsConfig, BackendsReady } from "./backends.ts";
import { serveParent } from "./child.ts";
import { Postgres } from "./postgres.ts";

serveParent(async (message) => {
  const config = message as BackendsConfig;
  const cleanUps: (() => PromiseLike<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  };
  try {
    const runDir = await mkdtemp(join(tmpdir(), "skein-demo-"));
    cleanUps.push(() => rm(runDir, { recursive: true, force: true }));
    const postgres = await Postgres.start(runDir);
    cleanUps.push(() => postgres[Symbol.asyncDispose]());
    const redisUrl = config.redisUrl ?? (await startRedis(cleanUps));
    const ready: BackendsReady = { postgresUrl: postgres.url, redisUrl };
    return { ready, close };
  } catch (error) {
    await close();
    throw error;
  }
});

async function startRedis(cleanUps: (() => PromiseLike<void>)[]): Promise<string> {
  const redis = await RedisServer.start();
  cleanUps.push(() => redis[Symbol.asyncDispose]());
  return redis.url;
}
