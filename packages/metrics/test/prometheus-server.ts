/** A real Prometheus of a test's own, on 127.0.0.1, which scrapes what it is told and cannot outlive its test. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { freePort, Lifeline, waitUntil } from "@skein/testkit";

const SCRAPE_EVERY = "500ms";
const KILL_AND_REMOVE = 'kill -KILL "$1"; rm -rf -- "$2"';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

export interface RuleHealth {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

/** Runs promtool; rejects with what it says when it finds something wrong. */
export async function promtool(args: readonly string[], directory: URL): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(await find("promtool"), [...args], { cwd: directory });
  return stdout + stderr;
}

export class PrometheusServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #lifeline: Lifeline;
  #log = "";

  private constructor(url: string, child: ChildProcess, pid: number, directory: string) {
    this.url = url;
    this.#child = child;
    this.#directory = directory;
    this.#lifeline = Lifeline.tie(["/bin/sh", "-c", KILL_AND_REMOVE, "lifeline", String(pid), directory]);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-10_000);
      });
    }
  }

  /** Scrapes `targets` ("host:port") and evaluates the rules of `ruleFile`. Resolves when it answers. */
  static async start(targets: readonly string[], ruleFile: string): Promise<PrometheusServer> {
    const binary = await find("prometheus");
    const directory = await mkdtemp(join(tmpdir(), "skein-prometheus-"));
    const config = join(directory, "prometheus.json");
    await writeFile(
      config,
      JSON.stringify({
        global: {
          scrape_interval: SCRAPE_EVERY,
          scrape_timeout: SCRAPE_EVERY,
          evaluation_interval: SCRAPE_EVERY,
        },
        rule_files: [ruleFile],
        scrape_configs: [{ job_name: "shop", static_configs: [{ targets }] }],
      }),
    );
    const port = await freePort();
    const child = spawn(
      binary,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { cwd: directory, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    );
    await once(child, "spawn");
    const { pid } = child;
    if (pid === undefined) throw new Error("Prometheus did not start.");
    const server = new PrometheusServer(`http://127.0.0.1:${port}`, child, pid, directory);
    try {
      await waitUntil(() => server.#answers(), {
        what: "Prometheus to be ready",
        timeoutMs: 30_000,
        everyMs: 50,
      });
    } catch (error) {
      const log = server.#log;
      await server.stop();
      throw new Error(`Prometheus did not start. Its log:\n${log}`, { cause: error });
    }
    return server;
  }

  /** An instant query. Throws what Prometheus finds wrong with it. */
  async query(expr: string): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ result: Series[] }>("query", new URLSearchParams({ query: expr }));
    return result;
  }

  async rules(): Promise<readonly RuleHealth[]> {
    const { groups } = await this.#ask<{ groups: { rules: RuleHealth[] }[] }>("rules");
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "close");
      this.#child.kill("SIGKILL");
      await ended;
    }
    this.#lifeline.release();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answers(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error(this.#log);
    return (await fetch(`${this.url}/-/ready`)).ok;
  }

  async #ask<T>(path: string, body?: URLSearchParams): Promise<T> {
    const request = body === undefined ? {} : { method: "POST", body };
    const answer = (await (await fetch(`${this.url}/api/v1/${path}`, request)).json()) as Answer<T>;
    if (answer.status !== "success") throw new Error(answer.error ?? "Prometheus gave no reason");
    return answer.data;
  }
}

/** @throws Error that says how to get Prometheus. */
async function find(program: "prometheus" | "promtool"): Promise<string> {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      continue;
    }
  }
  throw new Error(
    `No ${program} on PATH. The dashboard and the alert rules are tested by a real Prometheus: ` +
      "install it (Debian and Ubuntu: apt-get install prometheus; macOS: brew install prometheus).",
  );
}
