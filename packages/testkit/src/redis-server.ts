/**
 * A real Redis of a test's own: to be flushed, filled, paused, killed and restarted. It keeps nothing on disk, listens on
 * 127.0.0.1 only, and cannot outlive the process that started it.
 */
import { Redis } from "ioredis";
import { type CommandStat, parseCommandStats } from "./command-stats.ts";
import { freePort } from "./free-port.ts";
import type { ServerHost } from "./server-host.ts";
import {
  clientOptions,
  type ClientOptions,
  endServer,
  launchServer,
  PortTakenError,
} from "./server-launch.ts";

const MAX_PORT_TRIES = 10;

export interface RedisServerOptions {
  /** A fixed port; default: a free one. */
  port?: number;
  /** Further arguments, as on the command line: ["--maxmemory", "10mb"]. They win over the defaults. */
  args?: readonly string[];
  /** Default: none. */
  password?: string;
  /**
   * The server program. Default: the one that SKEIN_REDIS_SERVER names, then redis-server and valkey-server on PATH, then
   * the image that SKEIN_REDIS_IMAGE names (redis:7) in Docker.
   */
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
        return new RedisServer(port, options, await launchServer(port, options));
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

  get isRunning(): boolean {
    return !this.#process.hasEnded;
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
    const client = new Redis({ ...clientOptions(this.port, this.#options.password), ...options });
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
    this.#process = await launchServer(this.port, this.#options);
  }

  /** Disconnects the clients, ends the server (SIGTERM, after two seconds SIGKILL) and removes its directory. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    await endServer(this.#process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #administration(): Redis {
    this.#admin ??= this.client();
    return this.#admin;
  }
}
