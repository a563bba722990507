// The published packages promise Node 22.12 and newer. Here they are packed, installed as a user would, and run on
// exactly that, on the release that Skein is built with, and on the newest.

import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsumerProject } from "./consumer-project.ts";
import { findNode } from "./node-release.ts";

const FLOOR = "22.12.0";
const RELEASES = [FLOOR, process.version.slice(1), "26.12.1"];
const LOADERS = ["import", "require"] as const;
type Loader = (typeof LOADERS)[number];
const MAX_INSTALL_MS = 300_000;

const started = new AsyncDisposableStack();
let project: ConsumerProject;
let redis: RedisServer;

beforeAll(async () => {
  project = started.use(await ConsumerProject.create(await findNode(FLOOR)));
  redis = started.use(await RedisServer.start());
}, MAX_INSTALL_MS);
afterAll(() => started.disposeAsync());

describe.each(RELEASES)("on Node %s", (version) => {
  let node: string;
  beforeAll(async () => {
    node = await findNode(version);
  }, MAX_INSTALL_MS);

  /** Runs `body`, which leaves `results`, as a program of the project. */
  async function runProgram(loader: Loader, body: string): Promise<unknown> {
    const file = await project.write(
      loader === "import" ? "program.mjs" : "program.cjs",
      `async function main() {
         let executions = 0;
         const work = async () => {
           executions++;
           await new Promise((resolve) => setTimeout(resolve, 300));
           return 42;
         };
         ${body}
         const values = results.map((result) => result.value);
         const roles = results.map((result) => result.role).sort();
         console.log(JSON.stringify({ node: process.version, executions, values, roles }));
       }
       main();`,
    );
    return JSON.parse(await project.run(node, [file]));
  }

  describe.each(LOADERS)("loaded with %s", (loader) => {
    const load = (name: string): string =>
      loader === "import" ? `await import("${name}")` : `require("${name}")`;

    it("core runs one execution for two concurrent calls", async () => {
      const answer = await runProgram(
        loader,
        `const { Singleflight } = ${load("@skein/core")};
         const flights = new Singleflight();
         const results = await Promise.all([flights.fly("user:1", work), flights.fly("user:1", work)]);
         await flights.close();`,
      );
      const roles = ["local", "local"];
      expect(answer).toEqual({ node: `v${version}`, executions: 1, values: [42, 42], roles });
    });

    it("cluster, cache and metrics run one execution for two members of a fleet, and count it", async () => {
      await redis.flushAll();
      const answer = await runProgram(
        loader,
        `const { ClusterSingleflight } = ${load("@skein/cluster")};
         const { createCache } = ${load("@skein/cache")};
         const { PrometheusObserver } = ${load("@skein/metrics")};
         const { OpenTelemetryObserver } = ${load("@skein/metrics/opentelemetry")};
         const { quorum } = ${load("@skein/cluster/quorum")};
         const { Registry } = ${load("prom-client")};
         if (typeof quorum !== "function") throw new Error("no quorum");
         const registry = new Registry();
         const observer = [new PrometheusObserver({ registry, prefixes: ["user:"] }), new OpenTelemetryObserver()];
         const options = { redis: ${JSON.stringify(redis.url)}, namespace: "floor", prefixes: ["user:"], observer };
         const fleet = [new ClusterSingleflight(options), new ClusterSingleflight({ ...options, observer: [] })];
         await Promise.all(fleet.map((member) => member.ready()));
         const results = await Promise.all(fleet.map((member) => member.fly("user:1", work)));
         const caches = fleet.map((flights) => createCache({ flights, ttlMs: 60_000 }));
         for (const cache of caches) if (await cache.get("user:2", () => 7) !== 7) throw new Error("not kept");
         await Promise.all(fleet.map((member) => member.close()));
         if (!(await registry.metrics()).includes("singleflight_")) throw new Error("nothing was counted");`,
      );
      const roles = ["follower", "leader"];
      expect(answer).toEqual({ node: `v${version}`, executions: 1, values: [42, 42], roles });
    });
  });
});
