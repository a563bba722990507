/**
 * The profiles of docker-compose.yml, each deployed under a name of its own: a stampede runs once, and the server that
 * coordinates it is killed under load. Two minutes, so only with SKEIN_TEST_PROFILES=yes:
 *   SKEIN_TEST_PROFILES=yes SKEIN_TEST_DOCKER=yes scripts/test packages/examples/test/crash/profiles.test.ts
 */
import { spawnSync } from "node:child_process";
import { waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment } from "../../src/demo/containers/deployment.ts";
import { docker, type Environment } from "../../src/demo/containers/docker.ts";
import { killServer } from "../../src/demo/containers/server-kill.ts";
import { REDIS_TIMEOUT_MS, REPORT_TTL_MS } from "../../src/demo/containers/under-load.ts";

const MAX_EPISODE_MS = 180_000;
const CALLERS = 280;
const SENTINELS = "sentinel-1:26379,sentinel-2:26379,sentinel-3:26379";
const NODES = "redis-node-1:6379,redis-node-2:6379,redis-node-3:6379";
/** Where the profile has servers of its own, the one of REDIS_URL must not be what coordinates. */
const NOBODY = "redis://nobody.invalid:6379";

const image = process.env["SERVICE_IMAGE"];
const hasImages =
  image !== undefined && spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status === 0;
const runs = process.env["SKEIN_TEST_PROFILES"] === "yes" && hasImages;
if (!runs) {
  process.stderr.write(
    "NOT RUN: the tests of the profiles sentinel, cluster, valkey and load take minutes: SKEIN_TEST_PROFILES=yes, and Docker.\n",
  );
}

/** Deploys it for the tests of one describe. */
function deployed(profile: string, environment: Environment): () => Deployment {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.create({ project: `skein-test-${profile}-${process.pid}`, profile });
    await deployment.up({
      REPORT_TTL_MS: String(REPORT_TTL_MS),
      REDIS_TIMEOUT_MS: String(REDIS_TIMEOUT_MS),
      REPORT_ROWS: "2000",
      ...environment,
    });
  }, MAX_EPISODE_MS);

  afterAll(() => deployment[Symbol.asyncDispose](), MAX_EPISODE_MS);

  return () => deployment;
}

/** Every Sentinel knows the others, and a replica to promote. They ask for replicas every 10 s. */
async function untilSentinelsCanFailOver(deployment: Deployment): Promise<void> {
  const ids = await Promise.all(
    SENTINELS.split(",").map((at) => deployment.containerOf(at.split(":")[0] ?? "")),
  );
  const ask = (id: string, ...question: string[]): Promise<string> =>
    docker("exec", id, "redis-cli", "-p", "26379", "sentinel", ...question, "skein");
  await waitUntil(
    async () => {
      const known = await Promise.all(
        ids.map(async (id) => [await ask(id, "master"), await ask(id, "replicas")]),
      );
      return known.every(
        ([primary, replicas]) =>
          primary?.includes("num-other-sentinels\n2\n") && replicas?.includes("master-link-status\nok\n"),
      );
    },
    { what: "Sentinels that can fail over", timeoutMs: 60_000, everyMs: 200 },
  );
}

async function executionsOfStampede(deployment: Deployment): Promise<number> {
  const beganMs = Date.now();
  const calls = await deployment.load({
    LOAD_STAMPEDE: "/live/2026-05-01?rows=3000000",
    LOAD_CALLERS: String(CALLERS),
  });
  expect(calls).toHaveLength(CALLERS);
  expect(calls.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  return (await deployment.executionsSince(beganMs)).length;
}

describe.skipIf(!runs)("with Sentinels", { timeout: MAX_EPISODE_MS }, () => {
  const deployment = deployed("sentinel", { REDIS_SENTINELS: SENTINELS, SERVICE_REDIS_URL: NOBODY });

  test("hundreds of callers cost one execution", async () => {
    expect(await executionsOfStampede(deployment())).toBe(1);
  });

  test("nobody is lost when the primary is killed, and the replica that is promoted coordinates", async () => {
    await untilSentinelsCanFailOver(deployment());
    const { broken, figures } = await killServer(deployment(), "redis", { isStartedAgain: false });
    expect({ broken, failed: figures["failed"] }).toEqual({ broken: [], failed: 0 });
    expect(await executionsOfStampede(deployment())).toBe(1);
  });
});

describe.skipIf(!runs)("with a Redis Cluster", { timeout: MAX_EPISODE_MS }, () => {
  const deployment = deployed("cluster", { REDIS_CLUSTER_NODES: NODES, SERVICE_REDIS_URL: NOBODY });

  test("hundreds of callers cost one execution", async () => {
    expect(await executionsOfStampede(deployment())).toBe(1);
  });

  test("nobody is lost when a node is killed, and the fleet coordinates when it is back", async () => {
    const { broken, figures } = await killServer(deployment(), "redis-node-1", { isStartedAgain: true });
    expect({ broken, failed: figures["failed"] }).toEqual({ broken: [], failed: 0 });
    expect(await executionsOfStampede(deployment())).toBe(1);
  });
});

describe.skipIf(!runs)("with Valkey", { timeout: MAX_EPISODE_MS }, () => {
  const deployment = deployed("valkey", { SERVICE_REDIS_URL: "redis://valkey:6379" });

  test("hundreds of callers cost one execution", async () => {
    const valkey = await deployment().containerOf("valkey");
    expect(await docker("exec", valkey, "valkey-cli", "info", "server")).toContain("server_name:valkey");
    expect(await executionsOfStampede(deployment())).toBe(1);
  });
});

describe.skipIf(!runs)("with a steady load", { timeout: MAX_EPISODE_MS }, () => {
  const deployment = deployed("load", { LOAD_FOR_MS: "2000" });

  test("every call of it is answered", async () => {
    const load = await deployment().containerOf("load");
    const [first = ""] = await waitUntil(
      async () => {
        const lines = (await docker("logs", load)).split("\n").filter((line) => line.startsWith("{"));
        return lines.length > 0 ? lines : undefined;
      },
      { what: "the load's figures", timeoutMs: 60_000 },
    );
    const figures = JSON.parse(first) as { requests: number; failed: number };
    expect(figures.requests).toBeGreaterThan(0);
    expect(figures.failed).toBe(0);
  });
});
