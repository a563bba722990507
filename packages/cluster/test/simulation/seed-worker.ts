/** A thread that plays seeds for a campaign: takes a range, gives back what broke. Never imported. */
import { parentPort } from "node:worker_threads";
import { background } from "@skein/core/internal";
import { play } from "./simulation.ts";
import type { Range, RangeReport, SeedReport } from "./campaign.ts";

// Replayed alone a seed has its stacks; here they only cost time.
Error.stackTraceLimit = 0;

let playing = 0;

process.on("unhandledRejection", (reason) => {
  throw new Error(`seed ${playing} left a promise to itself that was rejected`, { cause: reason });
});

parentPort?.on("message", ({ from, to }: Range) => {
  const failures: SeedReport[] = [];
  const playAll = async (): Promise<void> => {
    for (playing = from; playing <= to; playing++) {
      const { violations, digest } = await playSafely(playing);
      if (violations.length > 0) failures.push({ seed: playing, digest, violations });
    }
    const report: RangeReport = { from, to, failures };
    parentPort?.postMessage(report);
  };
  background(playAll());
});

async function playSafely(seed: number): Promise<Omit<SeedReport, "seed">> {
  try {
    return await play(seed);
  } catch (error) {
    return { digest: "none", violations: [`it threw ${String(error)}`] };
  }
}
