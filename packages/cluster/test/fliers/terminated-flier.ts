/**
 * A process that has a SIGTERM listener of its own, which wants the signal once and takes its time. Run as a child by
 * the tests; never imported.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ClusterSingleflight } from "@skein/cluster";
import { serveFlier } from "@skein/testkit";

/** Longer than closing idle flights takes. */
const TIDYING_MS = 2_000;
/** The exit code of a process that was given the time. */
const TIDIED = 7;

/** `listens`: whether that listener is there before the flights are, after them, or not at all. */
await serveFlier<{ listens: "before" | "after" | "never"; coalescers: number }>(async (config) => {
  const { listens, coalescers } = config;
  const listen = (): void => {
    process.once("SIGTERM", () => void sleep(TIDYING_MS).then(() => process.exit(TIDIED)));
  };
  if (listens === "before") listen();
  const all = Array.from(
    { length: coalescers },
    () => new ClusterSingleflight({ redis: "redis://127.0.0.1:1", handleSignals: true }),
  );
  if (listens === "after") listen();
  await Promise.all(all.map((flights) => flights.ready()));
  return {};
});
