// The entry of the load generator's container: asks the fleet for reports, and prints every call as one JSON array at the
// end (LOAD_PRINT=calls), or a line with figures every few seconds.

import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { LoadBalancer } from "./load-balancer.ts";
import { runStampede, runSteadyLoad, type LoadCall } from "./load.ts";

const MAX_READY_MS = 60_000;
const LOOK_EVERY_MS = 50;

const environmentSchema = z.object({
  PEERS: z.string().transform((text) => text.split(",")),
  LOAD_RATE: z.coerce.number().positive().max(10_000).default(200),
  LOAD_FOR_MS: z.coerce.number().int().min(1).default(10_000),
  LOAD_HOT_KEYS: z.coerce.number().int().min(1).max(1_000).default(8),
  LOAD_FIRST_DAY: z.iso.date().default("2026-01-01"),
  /** Wait for so many ready replicas first. */
  LOAD_REPLICAS: z.coerce.number().int().min(1).default(1),
  /** A path: so many callers ask for it at once, instead of a steady load. */
  LOAD_STAMPEDE: z.string().startsWith("/").optional(),
  LOAD_CALLERS: z.coerce.number().int().min(1).max(10_000).default(280),
  LOAD_PRINT: z.enum(["calls", "figures"]).default("figures"),
});

const config = environmentSchema.parse(
  Object.fromEntries(Object.entries(process.env).filter(([, text]) => text !== "")),
);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

await using balancer = new LoadBalancer(config.PEERS, config.LOAD_CALLERS);
const deadline = performance.now() + MAX_READY_MS;
while (balancer.ready.length < config.LOAD_REPLICAS && !stop.signal.aborted) {
  if (performance.now() > deadline) throw new Error(`${balancer.ready.length} replicas are ready`);
  await delay(LOOK_EVERY_MS);
}
process.stderr.write(`load: ${balancer.ready.length} replicas are ready\n`);

const load = {
  ratePerSecond: config.LOAD_RATE,
  forMs: config.LOAD_FOR_MS,
  hotKeys: config.LOAD_HOT_KEYS,
  firstDay: config.LOAD_FIRST_DAY,
};
if (config.LOAD_PRINT === "calls") {
  const calls = config.LOAD_STAMPEDE
    ? await runStampede(balancer, config.LOAD_STAMPEDE, config.LOAD_CALLERS)
    : await runSteadyLoad(balancer, load, stop.signal);
  process.stdout.write(`${JSON.stringify(calls)}\n`);
} else {
  while (!stop.signal.aborted) {
    process.stdout.write(`${JSON.stringify(figures(await runSteadyLoad(balancer, load, stop.signal)))}\n`);
  }
}

function figures(calls: readonly LoadCall[]): object {
  const latencies = calls.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  return {
    requests: calls.length,
    failed: calls.filter(({ failure }) => failure !== undefined).length,
    retried: calls.filter(({ retries }) => retries > 0).length,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)],
  };
}
