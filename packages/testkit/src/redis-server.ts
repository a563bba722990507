/**
 * A real Redis of a test's own: to be flushed, filled, paused, killed and restarted. It keeps nothing on disk, listens on
 * 127.0.0.1 only, and cannot outlive the process that started it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis, type RedisOptions } from "ioredis";
import { type CommandStat, parseCommandStats } from "./command-stats.ts";
import { freePort } from "./free-port.ts";
import { findRedisBinary } from "./redis-binary.ts";
import { type ServerHost, ServerProcess } from "./server-process.ts";

const MAX_PORT_TRIES = 10;
const MAX_START_MS = 20_000;
/** After SIGTERM; a server in the middle of a script does not hear it. */
const MAX_STOP_MS = 2_000;
const RECONNECT_EVERY_MS = 20;

/** Of ioredis; replies stay in the shapes that every version gives them. */
export type ClientOptions = Omit<RedisOptions, "replyMapping">;

export interface RedisServerOptions {
  /** A fixed port; default: a free one. */
  port?: number;
  /** Further arguments, as on the command line: ["--maxmemory", "10mb"]. They win over the defaults. */
  args?: readonly string[];
  /** Default: none. */
  password?: string;
  /** The server program; default: SKEIN_REDIS_SERVER, then redis-server and valkey-server on PATH. */
  binary?: string;
  /** Added to the environment of the server. */
  env?: NodeJS.ProcessEnv;
  /** Addresses to listen on besides 127.0.0.1, for tests with network namespaces. */
  bind?: readonly string[];
}

export class RedisServer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #options: RedisServerOptions;
  readonly #clients = new Set<Redis>();
  #process: ServerHost;
  #admin: Redis | undefined;

  private constructor(port: number, options: RedisServerOptions, process: ServerHost) {
    this.port = port;
    this.#options = options;
    this.#process = process;
  }

  /** Resolves when the server answers. Rejects with the server's own log when it does not start. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let tries = 1; ; tries++) {
      const port = options.port ?? (await freePort());
      try {
        return new RedisServer(port, options, await launch(port, options));
      } catch (error) {
        const retry = error instanceof PortTakenError && options.port === undefined && tries < MAX_PORT_TRIES;
        if (!retry) throw error;
      }
    }
  }

  /** With the password, if there is one. */
  get url(): string {
    const { password } = this.#options;
    const credentials = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    return `redis://${credentials}${this.host}:${this.port}`;
  }

  /** Throws when the server is not running. */
  get pid(): number {
    if (this.#process.hasEnded) throw new Error(`The Redis on port ${this.port} is not running.`);
    return this.#process.pid;
  }

  /**
   * A client of this server, disconnected by `stop`. It reconnects every 20 ms and its commands wait as long as that
   * takes, so it survives `restart`; `options` win.
   */
  client(options: ClientOptions = {}): Redis {
    const client = new Redis({ ...connectionOf(this.port, this.#options.password), ...options });
    // The tests look at their commands; a client without a listener would write to the console.
    client.on("error", () => undefined);
    client.once("end", () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  async flushAll(): Promise<void> {
    await this.#administration().flushall();
  }

  /** Calls per command since the start or since CONFIG RESETSTAT, those inside scripts included. */
  async commandStats(): Promise<Record<string, CommandStat>> {
    return parseCommandStats(await this.#administration().info("commandstats"));
  }

  /** SIGSTOP: connections stay open, nothing is answered. */
  async pause(): Promise<void> {
    await this.#process.signal("SIGSTOP");
  }

  /** SIGCONT. */
  async resume(): Promise<void> {
    await this.#process.signal("SIGCONT");
  }

  /** SIGKILL; resolves when the process is gone. The clients stay and try to reconnect. */
  async kill(): Promise<void> {
    await this.#process.signal("SIGKILL");
    await this.#process.ended;
  }

  /** A new, empty server on the same port with the same arguments; one that still runs is killed first. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#process.cleanUp();
    this.#process = await launch(this.port, this.#options);
  }

  /** Disconnects the clients, ends the server (SIGTERM, after two seconds SIGKILL) and removes its directory. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    await end(this.#process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #administration(): Redis {
    this.#admin ??= this.client();
    return this.#admin;
  }
}

class PortTakenError extends Error {}

async function launch(port: number, options: RedisServerOptions): Promise<ServerHost> {
  const binary = options.binary ?? (await findRedisBinary());
  if (binary === undefined) {
    throw new Error(
      "No Redis server was found. Install redis-server or valkey-server, or name one in SKEIN_REDIS_SERVER.",
    );
  }
  const env = { ...process.env, ...options.env };
  const host = await ServerProcess.start(binary, (directory) => serverArgs(port, directory, options), env);
  try {
    await untilItAnswers(host, port, options.password);
    return host;
  } catch (error) {
    await end(host);
    throw error;
  }
}

function serverArgs(port: number, directory: string, options: RedisServerOptions): string[] {
  const { args = [], bind = [], password } = options;
  const defaults = ["--save", "", "--appendonly", "no", "--protected-mode", "no", "--daemonize", "no"];
  const secret = password === undefined ? [] : ["--requirepass", password];
  const place = ["--port", String(port), "--bind", ["127.0.0.1", ...bind].join(" "), "--dir", directory];
  return [...defaults, ...secret, ...args, ...place];
}

function connectionOf(port: number, password: string | undefined): ClientOptions {
  return {
    host: "127.0.0.1",
    port,
    ...(password === undefined ? {} : { password }),
    retryStrategy: () => RECONNECT_EVERY_MS,
    maxRetriesPerRequest: null,
  };
}

async function untilItAnswers(host: ServerHost, port: number, password: string | undefined): Promise<void> {
  const probe = new Redis(connectionOf(port, password));
  let lastError: unknown;
  probe.on("error", (error) => {
    lastError = error;
  });
  const over = new AbortController();
  try {
    const answer = await Promise.race([
      probe.config("GET", "dir").catch((error: unknown) => ({ error })),
      host.ended.then(() => "ended" as const),
      sleep(MAX_START_MS, "late" as const, { signal: over.signal }),
    ]);
    // Another server may sit on the port; then ours is about to end with an error that says so.
    if (Array.isArray(answer) && answer.includes(host.directory)) return;
    if (Array.isArray(answer)) throw new PortTakenError(`Another server listens on port ${port}.`);
    const log = await host.describeLog();
    if (answer === "ended") {
      if (/address already in use/i.test(log)) throw new PortTakenError(`Port ${port} is taken. ${log}`);
      throw new Error(`The Redis server ended before it answered. ${log}`);
    }
    const reason = answer === "late" ? lastError : answer.error;
    throw new Error(`The Redis server on port ${port} does not answer (${String(reason)}). ${log}`);
  } finally {
    over.abort();
    probe.disconnect();
  }
}

async function end(host: ServerHost): Promise<void> {
  if (!host.hasEnded) {
    const over = new AbortController();
    await host.signal("SIGTERM");
    // A stopped process hears the first signal only when it goes on.
    await host.signal("SIGCONT");
    const late = sleep(MAX_STOP_MS, true, { signal: over.signal }).catch(() => false);
    if (await Promise.race([late, host.ended.then(() => false)])) await host.signal("SIGKILL");
    over.abort();
    await host.ended;
  }
  await host.cleanUp();
}
