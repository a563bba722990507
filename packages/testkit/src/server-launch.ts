/** From options to a server that answers, and to its end. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis, type RedisOptions } from "ioredis";
import { findRedisBinary } from "./redis-binary.ts";
import type { RedisServerOptions } from "./redis-server.ts";
import { ServerContainer } from "./server-container.ts";
import type { ServerHost, ServerPlan } from "./server-host.ts";
import { ServerProcess } from "./server-process.ts";

const MAX_START_MS = 20_000;
/** After SIGTERM; a server in the middle of a script does not hear it. */
const MAX_STOP_MS = 2_000;
const RECONNECT_EVERY_MS = 20;

/** Of ioredis; replies stay in the shapes that every version gives them. */
export type ClientOptions = Omit<RedisOptions, "replyMapping">;

/** Another server has the port. */
export class PortTakenError extends Error {}

export function clientOptions(port: number, password: string | undefined): ClientOptions {
  return {
    host: "127.0.0.1",
    port,
    ...(password === undefined ? {} : { password }),
    retryStrategy: () => RECONNECT_EVERY_MS,
    maxRetriesPerRequest: null,
  };
}

/** Resolves when the server answers. Rejects with its own log when it does not. */
export async function launchServer(port: number, options: RedisServerOptions): Promise<ServerHost> {
  const { args = [], bind = [], password, env = {} } = options;
  // A file name that is never written: by it the server is told from another one that may have the port.
  const mark = `skein-${randomUUID()}.rdb`;
  const defaults = ["--save", "", "--appendonly", "no", "--protected-mode", "no", "--daemonize", "no"];
  // A replica need not wait for company.
  defaults.push("--repl-diskless-sync-delay", "0");
  const secret = password === undefined ? [] : ["--requirepass", password];
  const host = await startHost(options.binary ?? (await findRedisBinary()), {
    port,
    addresses: ["127.0.0.1", ...bind],
    args: [...defaults, ...secret, ...args, "--dbfilename", mark],
    env,
  });
  try {
    await untilItAnswers(host, port, password, mark);
    return host;
  } catch (error) {
    await endServer(host);
    throw error;
  }
}

/** Asks the server to end (SIGTERM), forces it after two seconds (SIGKILL), and removes what it left behind. */
export async function endServer(host: ServerHost): Promise<void> {
  if (!host.hasEnded) {
    await host.signal("SIGTERM");
    // A stopped process hears the first signal only when it goes on.
    await host.signal("SIGCONT");
    if (!(await endsWithin(host, MAX_STOP_MS))) await host.signal("SIGKILL");
    await host.ended;
  }
  await host.cleanUp();
}

async function startHost(binary: string | undefined, plan: ServerPlan): Promise<ServerHost> {
  if (binary !== undefined) return ServerProcess.start(binary, plan);
  if (await ServerContainer.available()) return ServerContainer.start(plan);
  throw new Error(
    "No Redis server was found. There are three ways: install redis-server or valkey-server so that it is on PATH, " +
      "name such a program in SKEIN_REDIS_SERVER, or start Docker.",
  );
}

async function untilItAnswers(
  host: ServerHost,
  port: number,
  password: string | undefined,
  mark: string,
): Promise<void> {
  const probe = new Redis(clientOptions(port, password));
  let lastError: unknown;
  probe.on("error", (error) => {
    lastError = error;
  });
  try {
    const answered = probe.config("GET", "dbfilename").then(
      (answer) => (Array.isArray(answer) && answer.includes(mark) ? "ours" : "another's"),
      (error: unknown) => String(error),
    );
    const answer = await Promise.race([answered, endsWithin(host, MAX_START_MS)]);
    if (answer === "ours") return;
    // Whoever else sits on the port: ours is about to end with an error that says so.
    const ended = answer === true || (await endsWithin(host, MAX_STOP_MS));
    const log = host.describeLog();
    if (/address already in use/i.test(log)) throw new PortTakenError(`Port ${port} is taken. ${log}`);
    if (ended) throw new Error(`The Redis server ended before it answered. ${log}`);
    const why = answer === false ? lastError : answer;
    throw new Error(`The Redis server on port ${port} does not answer (${String(why)}). ${log}`);
  } finally {
    probe.disconnect();
  }
}

async function endsWithin(host: ServerHost, ms: number): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false);
  const ended = await Promise.race([late, host.ended.then(() => true)]);
  over.abort();
  return ended;
}
