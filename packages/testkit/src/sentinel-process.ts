/** One Redis Sentinel as a process of this machine. It writes down what it learns, in a directory of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { findRedisBinary } from "./redis-binary.ts";
import { TiedProcess } from "./tied-process.ts";
import { waitUntil } from "./wait-until.ts";

export interface SentinelPlan {
  /** Lines of its configuration. */
  readonly config: readonly string[];
}

export class SentinelProcess implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #directory: string;
  readonly #binary: string;
  #process: TiedProcess;

  private constructor(port: number, binary: string, directory: string) {
    this.port = port;
    this.#binary = binary;
    this.#directory = directory;
    this.#process = this.#spawn();
  }

  /** Resolves when it answers. */
  static async start({ config }: SentinelPlan): Promise<SentinelProcess> {
    const binary = await findRedisBinary();
    if (binary === undefined) throw new Error("A Sentinel needs a server program of this machine.");
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), "skein-sentinel-"));
    const place = [`port ${port}`, "bind 127.0.0.1", `dir "${directory}"`, "protected-mode no"];
    await writeFile(join(directory, "sentinel.conf"), [...place, ...config, ""].join("\n"));
    const sentinel = new SentinelProcess(port, binary, directory);
    await sentinel.#answers();
    return sentinel;
  }

  /** Asks it, and gives what it says. */
  async ask(...words: readonly [string, ...string[]]): Promise<unknown> {
    const client = new Redis({ host: this.host, port: this.port, retryStrategy: () => 20 });
    client.on("error", () => undefined);
    try {
      const [command, ...args] = words;
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** SIGKILL. What it knew it knows again after `restart`. */
  async kill(): Promise<void> {
    this.#process.child.kill("SIGKILL");
    await this.#process.ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#process.release();
    this.#process = this.#spawn();
    await this.#answers();
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
    this.#process.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #spawn(): TiedProcess {
    const directory = this.#directory;
    const command = [this.#binary, join(directory, "sentinel.conf"), "--sentinel"] as const;
    return TiedProcess.spawn([...command], { cwd: directory, env: process.env, directory });
  }

  async #answers(): Promise<void> {
    await waitUntil(
      () =>
        this.ask("PING").then(
          (pong) => pong === "PONG",
          () => false,
        ),
      { timeoutMs: 30_000, what: `the Sentinel on port ${this.port} to answer` },
    );
  }
}
