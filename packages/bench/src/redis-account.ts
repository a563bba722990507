/** What a Redis has spent since its start, by its own account. */
import type { Redis } from "ioredis";

/** Processor time, ms. */
export async function redisProcessorMs(admin: Redis): Promise<number> {
  return sumOf(await admin.info("cpu"), /^used_cpu_(?:sys|user):([\d.]+)/gmu) * 1_000;
}

/** What its keys take with their values, bytes; what they take in its tables for keys and expiries is not told. */
export async function keysBytes(admin: Redis): Promise<number> {
  const pipeline = admin.pipeline();
  for (const key of await admin.keys("*")) pipeline.call("MEMORY", "USAGE", key, "SAMPLES", "0");
  const replies = (await pipeline.exec()) ?? [];
  return replies.reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** How often it was asked to run a script that it knows. */
export async function scriptCalls(admin: Redis): Promise<number> {
  return sumOf(await admin.info("commandstats"), /^cmdstat_evalsha:calls=(\d+)/gmu);
}

function sumOf(info: string, pattern: RegExp): number {
  return Array.from(info.matchAll(pattern), ([, text]) => Number(text)).reduce((sum, each) => sum + each, 0);
}
