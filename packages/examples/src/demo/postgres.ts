// A Postgres server of the demo's own: fresh data directory, free port on 127.0.0.1, gone without a trace when closed.
// Nothing is kept between runs: initdb takes half a second, and data that is never kept is never stale.

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, readFile, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Lifeline, freePort } from "@skein/testkit";
import { Client } from "pg";
import { findPostgresBinaries, unprivilegedIds } from "./postgres-binaries.ts";
import type { PostgresBinaries, UnprivilegedIds } from "./postgres-binaries.ts";

const DATA = "data";
const USER = "demo";
const DATABASE = "postgres";
const MAX_START_ATTEMPTS = 3;
const MAX_START_MS = 30_000;
const MAX_STOP_MS = 5_000;
const LOG_TAIL_CHARS = 2_000;

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "80",
  shared_preload_libraries: "pg_stat_statements",
  // The number of queries is what is shown, so one query is one core's work: no parallel workers, no compiler.
  max_parallel_workers_per_gather: "0",
  jit: "off",
  shared_buffers: "256MB",
  // A query whose caller is gone ends soon instead of keeping its core busy to the end.
  client_connection_check_interval: "100ms",
  // The data lives as long as the demo does.
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
} as const;

export class Postgres implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  /** `runDir` is a fresh directory that belongs to the caller, who also removes it. */
  static async start(runDir: string): Promise<Postgres> {
    const ids = unprivilegedIds();
    if (ids.uid !== undefined && ids.gid !== undefined) await chown(runDir, ids.uid, ids.gid);
    const binaries = await findPostgresBinaries(runDir, ids);
    const password = randomBytes(16).toString("hex");
    await initialise(binaries, ids, runDir, password);
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const logFile = join(runDir, `postgres-${attempt}.log`);
      const server = await spawnServer(binaries, ids, runDir, port, logFile);
      const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
      if (await accepts(url, server)) return new Postgres(url, server);
      await stop(server);
      // The port was free a moment ago; somebody else may have taken it since.
      if (attempt === MAX_START_ATTEMPTS) {
        const log = await readFile(logFile, "utf8");
        throw new Error(`Postgres did not start. The end of its log:\n${log.slice(-LOG_TAIL_CHARS)}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#process);
  }
}

async function initialise(
  binaries: PostgresBinaries,
  ids: UnprivilegedIds,
  runDir: string,
  password: string,
): Promise<void> {
  const passwordFile = join(runDir, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (ids.uid !== undefined && ids.gid !== undefined) await chown(passwordFile, ids.uid, ids.gid);
  const args = [
    `--pgdata=${join(runDir, DATA)}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
  ];
  const initdb = spawn(binaries.initdb, args, { ...ids, stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  initdb.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const [code] = (await once(initdb, "close")) as [number | null];
  if (code !== 0) throw new Error(`initdb failed with code ${code}:\n${complaint.slice(-LOG_TAIL_CHARS)}`);
}

async function spawnServer(
  binaries: PostgresBinaries,
  ids: UnprivilegedIds,
  runDir: string,
  port: number,
  logFile: string,
): Promise<ChildProcess> {
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  const args = ["-D", join(runDir, DATA), ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  await using log = await open(logFile, "w");
  const server = spawn(binaries.postgres, args, { ...ids, stdio: ["ignore", log.fd, log.fd] });
  await once(server, "spawn");
  if (server.pid !== undefined) {
    // For the case that even the process that would stop it is killed.
    const lifeline = Lifeline.tieProcess(server.pid, runDir);
    server.once("exit", () => lifeline.release());
  }
  return server;
}

/** True once it answers a query, false when the process has ended instead. */
async function accepts(url: string, server: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + MAX_START_MS;
  while (isRunning(server) && performance.now() < deadline) {
    const client = new Client({ connectionString: url });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("select 1");
      return true;
    } catch {
      await delay(50);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

/** SIGINT is Postgres's fast shutdown: connections are closed, nobody is waited for. */
async function stop(server: ChildProcess): Promise<void> {
  if (!isRunning(server)) return;
  const exited = once(server, "exit");
  server.kill("SIGINT");
  const impatience = setTimeout(() => server.kill("SIGQUIT"), MAX_STOP_MS);
  await exited;
  clearTimeout(impatience);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
