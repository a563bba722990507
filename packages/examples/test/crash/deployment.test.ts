/**
 * The deployment of docker-compose.yml, really deployed: containers are killed, paused, cut off and restarted. Needs a
 * Docker engine and the images (`scripts/test` sees to both); says so where they are missing. SKEIN_COMPOSE names the
 * program of another compose (`scripts/compose-plugins`).
 */
import { spawnSync } from "node:child_process";
import { basename, dirname } from "node:path";
import { waitUntil } from "@skein/testkit";
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment } from "testcontainers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMPOSE_FILE, Deployment, FREE_PORTS, REPLICAS } from "../../src/demo/containers/deployment.ts";
import { composeCommand, docker } from "../../src/demo/containers/docker.ts";
import { killLeaderContainer } from "../../src/demo/containers/leader-kill.ts";
import {
  cutReplicaOff,
  pauseRedis,
  REDIS_TIMEOUT_MS,
  REPORT_TTL_MS,
  restartAll,
} from "../../src/demo/containers/under-load.ts";

const MAX_EPISODE_MS = 180_000;
const PROJECT = `skein-test-${process.pid}`;

const image = process.env["SERVICE_IMAGE"];
const runs =
  image !== undefined && spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status === 0;
if (!runs) {
  process.stderr.write("NOT RUN: the tests of the containers need Docker and SERVICE_IMAGE: scripts/test.\n");
}

describe.skipIf(!runs)("the deployment", { timeout: MAX_EPISODE_MS }, () => {
  let environment: StartedDockerComposeEnvironment | undefined;
  let deployment: Deployment;

  beforeAll(async () => {
    const [executablePath, ...plugin] = await composeCommand();
    const compose = new DockerComposeEnvironment(dirname(COMPOSE_FILE), basename(COMPOSE_FILE))
      .withProjectName(PROJECT)
      // Its cleaning service would have to be fetched.
      .withAutoCleanup(false)
      .withEnvironment({
        ...FREE_PORTS,
        REPORT_TTL_MS: String(REPORT_TTL_MS),
        REDIS_TIMEOUT_MS: String(REDIS_TIMEOUT_MS),
        REPORT_ROWS: "2000",
        LOG_LEVEL: "info",
      })
      .withClientOptions(plugin.length > 0 ? {} : { executable: { executablePath, standalone: true } });
    environment = await compose.up(["redis", "postgres", "service", "prometheus"]);
    deployment = await Deployment.create({ project: PROJECT });
    await deployment.ready();
  }, MAX_EPISODE_MS);

  afterAll(async () => {
    await deployment?.[Symbol.asyncDispose]();
    await environment?.down({ removeVolumes: true });
  }, MAX_EPISODE_MS);

  test("runs as nobody special, and is healthy", async () => {
    const replicas = await deployment.replicas();
    expect(replicas).toHaveLength(REPLICAS);
    for (const { id } of replicas) {
      expect(await docker("inspect", "--format", "{{.Config.User}}", id)).toBe("node");
      await waitUntil(
        async () => (await docker("inspect", "--format", "{{.State.Health.Status}}", id)) === "healthy",
        { what: "the health check", timeoutMs: 60_000 },
      );
    }
  });

  test("has every replica scraped by Prometheus, with the alert rules loaded", async () => {
    const address = await docker("port", await deployment.containerOf("prometheus"), "9090/tcp");
    const ask = async (path: string): Promise<{ data: unknown }> =>
      (await (await fetch(`http://${address}${path}`)).json()) as { data: unknown };
    await waitUntil(
      async () => {
        const { data } = await ask("/api/v1/targets?state=active");
        const { activeTargets } = data as { activeTargets: { health: string }[] };
        return activeTargets.length === REPLICAS && activeTargets.every(({ health }) => health === "up");
      },
      { what: "every replica to be scraped", timeoutMs: 60_000 },
    );
    const { groups } = (await ask("/api/v1/rules")).data as { groups: { rules: unknown[] }[] };
    expect(groups.flatMap(({ rules }) => rules).length).toBeGreaterThan(10);
  });

  test("answers hundreds of callers by one execution, and logs its flight wherever they were answered", async () => {
    const beganMs = Date.now();
    const calls = await deployment.load({
      LOAD_STAMPEDE: "/live/2026-04-01?rows=5000000",
      LOAD_CALLERS: "280",
    });
    expect(calls.flatMap(({ failure }) => failure ?? [])).toEqual([]);
    expect(await deployment.executionsSince(beganMs)).toHaveLength(1);
    const [flightId = "none", ...others] = new Set(calls.map((call) => call.flightId));
    expect(others).toEqual([]);
    for (const { id } of await deployment.replicas()) expect(await docker("logs", id)).toContain(flightId);
  });

  test("loses nobody when its leader is killed", async () => {
    expect((await killLeaderContainer(deployment)).broken).toEqual([]);
  });

  test("loses nobody while Redis is paused, delays no start for longer than redisTimeoutMs, and recovers", async () => {
    expect((await pauseRedis(deployment)).broken).toEqual([]);
  });

  test("loses nobody when a replica is cut off from Redis", async () => {
    expect((await cutReplicaOff(deployment)).broken).toEqual([]);
  });

  test("loses nobody in a rolling restart under load, and runs no work twice for it", async () => {
    expect((await restartAll(deployment)).broken).toEqual([]);
  });
});
