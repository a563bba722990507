// The types of the published packages, as projects with either way of finding modules see them: installed from their
// tarballs, checked with the strictest settings, declarations of Skein and of its dependencies included.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ConsumerProject } from "./consumer-project.ts";

const TSC = fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));
const MAX_INSTALL_MS = 300_000;

const PROGRAM = `
import { createCache } from "@skein/cache";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { MemoryFleet } from "@skein/cluster/testing";
import { quorum } from "@skein/cluster/quorum";
import { Singleflight, withTimeout, type Coalescer, type FlightResult } from "@skein/core";
import { PrometheusObserver } from "@skein/metrics";
import { OpenTelemetryObserver } from "@skein/metrics/opentelemetry";
import { Registry } from "prom-client";

interface User { id: number }
const alone = new Singleflight<User>();
const fleet: Coalescer<User> = new ClusterSingleflight<User>({
  redis: quorum(["redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:3"]),
  prefixes: { "user:": { leaseMs: 2_000 } },
  observer: [new PrometheusObserver({ registry: new Registry(), prefixes: ["user:"] }), new OpenTelemetryObserver(), { onEvent: (event: ClusterEvent) => void event.type }],
});
const told: FlightResult<User> = await alone.fly("user:1", (signal, flight) => ({ id: signal.aborted ? 0 : flight.takeovers }));
const user: User = await fleet.do("user:1", (signal) => withTimeout(100, async () => told.value, { signal }));
const cache = createCache({ flights: fleet, ttlMs: 1_000 });
const kept: User = await cache.get("user:1", () => user);
// @ts-expect-error a coalescer of users does not take other work
await alone.do("user:1", () => "no user");
// @ts-expect-error an option that does not exist
new Singleflight({ maxEntrys: 1 });
export { kept, MemoryFleet };
`;

let project: ConsumerProject;

beforeAll(async () => {
  project = await ConsumerProject.create(process.execPath, ["@types/node@24"]);
  await project.write("program.mts", PROGRAM);
  await project.write("program.ts", PROGRAM);
}, MAX_INSTALL_MS);
afterAll(() => (project as ConsumerProject | undefined)?.[Symbol.asyncDispose]());

it.each([
  { moduleResolution: "nodenext", module: "nodenext", program: "program.mts" },
  { moduleResolution: "bundler", module: "esnext", program: "program.ts" },
])("are found and right under $moduleResolution", async ({ program, ...modules }) => {
  const compilerOptions = {
    ...modules,
    target: "es2024",
    lib: ["esnext"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
  };
  const config = JSON.stringify({ compilerOptions, files: [program] });
  const file = await project.write(`tsconfig.${modules.moduleResolution}.json`, config);
  const complaints = await project.run(process.execPath, [TSC, "--project", file]).catch(told);
  expect(complaints).toBe("");
});

/** tsc writes what it complains of to stdout. */
function told(error: { stdout?: string; message: string }): string {
  return error.stdout ?? error.message;
}
