/**
 * docker-compose.yml as docker compose 2 and docker-compose 1.29 read it, with every profile. No engine is needed. Where one
 * of them is missing it says so; `scripts/compose-plugins` fetches the former.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROFILES = ["load", "grafana", "sentinel", "cluster", "valkey"];
const SERVICES = [
  ...["redis", "postgres", "service", "prometheus", "load", "grafana", "redis-replica"],
  ...["sentinel-1", "sentinel-2", "sentinel-3"],
  ...["redis-node-1", "redis-node-2", "redis-node-3", "redis-cluster", "valkey"],
];
const COMPARED = ["image", "command", "environment", "init", "profiles", "restart", "stop_signal"] as const;

interface ComposeService {
  readonly [field: string]: unknown;
  readonly networks: object;
  readonly deploy?: { readonly replicas?: number };
  readonly healthcheck?: { readonly test?: unknown };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

type Command = readonly [program: string, ...args: string[]];

function versionOf([program, ...args]: Command): string {
  const { status, stdout } = spawnSync(program, [...args, "version", "--short"], { encoding: "utf8" });
  return status === 0 ? stdout.trim().replace(/^v/u, "") : "";
}

const candidates: readonly Command[] = [
  ["docker", "compose"],
  ["docker-compose"],
  ...globSync(`${ROOT}/.cache/compose-plugins/*/cli-plugins/docker-compose`).map((path): Command => [path]),
];
const found = new Map(candidates.map((command) => [versionOf(command), command]));
found.delete("");
for (const major of ["1.", "2."]) {
  if (![...found.keys()].some((version) => version.startsWith(major))) {
    process.stderr.write(`NOT RUN: docker-compose.yml was not read by a docker compose ${major}x.\n`);
  }
}

/** What it makes of the file. */
function readBy(command: Command): Readonly<Record<string, ComposeService>> {
  const [program, ...args] = command;
  const profiles = PROFILES.flatMap((profile) => ["--profile", profile]);
  const { status, stdout, stderr } = spawnSync(program, [...args, ...profiles, "config"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return (parse(stdout) as { services: Record<string, ComposeService> }).services;
}

/** The same from every version, for what decides how a container runs. */
function essenceOf(service: ComposeService): object {
  return {
    ...Object.fromEntries(COMPARED.map((field) => [field, service[field] ?? null])),
    networks: Object.keys(service.networks).toSorted(),
    replicas: service.deploy?.replicas ?? 1,
    health: service.healthcheck?.test ?? null,
    after: Object.entries(service.depends_on ?? {})
      .map(([name, { condition }]) => `${name} ${condition}`)
      .toSorted(),
  };
}

describe("docker-compose.yml", () => {
  for (const [version, command] of found) {
    test(`has every service, by docker compose ${version}`, () => {
      expect(Object.keys(readBy(command)).toSorted()).toEqual(SERVICES.toSorted());
    });
  }

  test.skipIf(found.size < 2)("means the same to every version of docker compose", () => {
    const [first = {}, ...others] = Array.from(found.values(), (command) =>
      Object.fromEntries(
        Object.entries(readBy(command)).map(([name, service]) => [name, essenceOf(service)]),
      ),
    );
    for (const other of others) expect(other).toEqual(first);
  });
});
