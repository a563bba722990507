// The deployment of docker-compose.yml under a project name of its own, with whatever ports are free.

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { waitUntil } from "@skein/testkit";
import type { ReplicaState } from "../../service/activity.ts";
import type { LoadCall } from "../../service/load.ts";
import { Compose, docker, type Environment } from "./docker.ts";
import type { Execution } from "./expiries.ts";

export const COMPOSE_FILE: string = fileURLToPath(
  new URL("../../../../../docker-compose.yml", import.meta.url),
);
const MAX_READY_MS = 90_000;
const MAX_STATE_MS = 2_000;
// Docker chooses.
export const FREE_PORTS: Environment = {
  REDIS_PORT: "0",
  POSTGRES_PORT: "0",
  PROMETHEUS_PORT: "0",
  SERVICE_PORTS: "0",
};

/** What somebody has set for a deployment of their own is not for this one. */
const OWN_SERVERS: Environment = {
  SERVICE_REDIS_URL: "",
  REDIS_SENTINELS: "",
  REDIS_CLUSTER_NODES: "",
  POSTGRES_PASSWORD: "",
};

export const REPLICAS = 4;

export interface Replica {
  readonly id: string;
  readonly name: string;
  readonly origin: string;
}

export interface RunningLoad {
  /** Every call that it made, when it has ended. */
  readonly calls: Promise<readonly LoadCall[]>;
  /** No new calls; those under way are waited for. */
  readonly end: () => Promise<void>;
}

export interface DeploymentOptions {
  /** Default: one that nobody else has. */
  readonly project?: string;
  /** One of those in docker-compose.yml, with its own servers. */
  readonly profile?: string;
}

export class Deployment implements AsyncDisposable {
  readonly project: string;
  readonly #compose: Compose;
  readonly #image: string;
  #environment: Environment = {};
  #postgres: Client | undefined;

  private constructor(project: string, compose: Compose, image: string) {
    this.project = project;
    this.#compose = compose;
    this.#image = image;
  }

  /** Nothing is started; by its project's name a running one can be watched. */
  static async create({
    project = `skein-${randomUUID().slice(0, 8)}`,
    profile,
  }: DeploymentOptions = {}): Promise<Deployment> {
    return new Deployment(
      project,
      await Compose.find(COMPOSE_FILE, project, profile),
      process.env["SERVICE_IMAGE"] ?? "skein-example",
    );
  }

  /** Starts it, or changes what runs, and waits until every replica is ready. */
  async up(environment: Environment): Promise<void> {
    this.#environment = { LOG_LEVEL: "warn", ...FREE_PORTS, ...OWN_SERVERS, ...environment };
    await this.#compose.run(this.#environment, "up", "--detach", "--no-build");
    await waitUntil(async () => (await this.#unhealthy()).length === 0, {
      what: "every server to be healthy",
      timeoutMs: MAX_READY_MS,
    });
    await this.ready();
  }

  /** Every replica is ready, and coordinates if it is told to. */
  async ready(): Promise<void> {
    const { COALESCING = "fleet" } = this.#environment;
    const coordination = COALESCING === "fleet" ? "fleet" : "alone";
    await waitUntil(
      async () => {
        const replicas = await this.replicas();
        const answers = await Promise.all(replicas.map(({ origin }) => isReady(origin, coordination)));
        return answers.length === REPLICAS && answers.every(Boolean);
      },
      { what: "every replica to be ready", timeoutMs: MAX_READY_MS },
    );
  }

  /** Those that run. */
  async replicas(): Promise<readonly Replica[]> {
    const ids = (await this.#compose.run(this.#environment, "ps", "-q", "service")).split("\n");
    const lines = await docker("inspect", "--format", "{{json .}}", ...ids.filter((id) => id !== ""));
    return lines.split("\n").flatMap((line) => {
      const { Id, Name, State, NetworkSettings } = JSON.parse(line) as Inspected;
      const [binding] = NetworkSettings.Ports["3000/tcp"] ?? [];
      if (!State.Running || binding === undefined) return [];
      return [{ id: Id, name: Name.slice(1), origin: `http://127.0.0.1:${binding.HostPort}` }];
    });
  }

  async stateOf({ origin }: Replica): Promise<ReplicaState> {
    const answer = await fetch(`${origin}/state`, { signal: AbortSignal.timeout(MAX_STATE_MS) });
    return (await answer.json()) as ReplicaState;
  }

  /** The container, which runs, of a service of which there is one. */
  async containerOf(service: string): Promise<string> {
    return this.#compose.run(this.#environment, "ps", "-q", service);
  }

  /** Services with a container that has no good health yet. Of replicas readiness says more. */
  async #unhealthy(): Promise<readonly string[]> {
    const project = `label=com.docker.compose.project=${this.project}`;
    const health = ["--filter", "health=starting", "--filter", "health=unhealthy"];
    const service = '{{.Label "com.docker.compose.service"}}';
    const names = await docker("ps", "--filter", project, ...health, "--format", service);
    return names.split("\n").filter((name) => name !== "" && name !== "service");
  }

  /** A load generator beside the replicas. */
  startLoad(environment: Environment): RunningLoad {
    const name = `${this.project}-load-${randomUUID().slice(0, 8)}`;
    const calls = this.#load(name, environment);
    // Not awaited while something happens to the deployment.
    calls.catch(() => undefined);
    return { calls, end: async () => void (await docker("kill", "--signal", "TERM", name)) };
  }

  /** Every call of a load that ends by itself. */
  load(environment: Environment): Promise<readonly LoadCall[]> {
    return this.startLoad(environment).calls;
  }

  async #load(name: string, environment: Environment): Promise<readonly LoadCall[]> {
    const settings = {
      PEERS: "http://service:3000",
      LOAD_PRINT: "calls",
      LOAD_REPLICAS: String(REPLICAS),
      ...environment,
    };
    const env = Object.entries(settings).flatMap(([variable, text]) => ["--env", `${variable}=${text}`]);
    const place = ["--rm", "--init", "--name", name, "--network", `${this.project}_callers`];
    const label = ["--label", `com.docker.compose.project=${this.project}`];
    const printed = await docker(
      "run",
      ...place,
      ...label,
      ...env,
      this.#image,
      "node",
      "dist/service/load-main.js",
    );
    return JSON.parse(printed) as LoadCall[];
  }

  /** Executions of reports that began since then, as Postgres has them. */
  async executionsSince(atMs: number): Promise<readonly Execution[]> {
    const postgres = (this.#postgres ??= await this.#connect());
    const { rows } = await postgres.query<Execution>(
      `select key, process,
         extract(epoch from started_at)::float8 * 1000 as "startedAtMs",
         extract(epoch from ended_at)::float8 * 1000 as "endedAtMs"
       from executions where started_at >= to_timestamp($1::float8 / 1000) order by started_at`,
      [atMs],
    );
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postgres?.end();
    await this.#compose.run(this.#environment, "down", "--volumes", "--timeout", "3", "--remove-orphans");
  }

  async #connect(): Promise<Client> {
    const address = await docker("port", await this.containerOf("postgres"), "5432/tcp");
    const client = new Client({
      connectionString: `postgres://skein:skein@127.0.0.1:${address.split(":").at(-1)}/skein`,
    });
    await client.connect();
    return client;
  }
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Running: boolean };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
  };
}

async function isReady(origin: string, wanted: ReplicaState["coordination"]): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(MAX_STATE_MS) });
    const { coordination } = (await answer.json()) as { coordination?: string };
    return answer.ok && coordination === wanted;
  } catch {
    return false;
  }
}
