// What the servers sent to Redis, command by command, as Redis's own MONITOR shows it. Commands that a Lua script runs are
// not counted: they cost no round trip. Nor is what others send, who may share the Redis that REDIS_URL names.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { messageOf } from "./message-of.ts";

/** Command name, upper case, and how often it was sent. */
export type CommandCounts = ReadonlyMap<string, number>;

/** How Skein names its connections; see CLIENT LIST. */
const CONNECTION_NAME = /^skein/u;

export class RedisCommands implements AsyncDisposable {
  readonly #redis: Redis;
  readonly #monitor: Redis;
  /** Rejects when the monitor sees no more. */
  readonly #lost: Promise<never>;

  private constructor(redis: Redis, monitor: Redis) {
    this.#redis = redis;
    this.#monitor = monitor;
    this.#lost = new Promise((_, reject) => {
      monitor.once("end", () => reject(new Error("Redis closed the connection that watches its commands.")));
    });
    // Whoever counts will see it; nobody else has to.
    this.#lost.catch(() => undefined);
    monitor.on("error", () => undefined);
  }

  static async watch(redisUrl: string): Promise<RedisCommands> {
    // A Redis that is lost spoils the count: no second attempt.
    const redis = new Redis(redisUrl, {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    let trouble: unknown;
    redis.on("error", (error) => (trouble = error));
    try {
      await redis.connect();
      return new RedisCommands(redis, await redis.monitor());
    } catch (error) {
      redis.disconnect();
      throw new Error(`The commands that Redis gets cannot be watched: ${messageOf(trouble ?? error)}`, {
        cause: error,
      });
    }
  }

  /** Counts what is sent while `action` runs, over connections that are open before. */
  async during<T>(action: () => Promise<T>): Promise<{ result: T; counts: CommandCounts }> {
    const counts = new Map<string, number>();
    const connections = await this.#connectionsOfSkein();
    const count = (_time: string, [name = ""]: string[], source: string): void => {
      // The source of a script's commands is "lua".
      if (!connections.has(source)) return;
      const command = name.toUpperCase();
      counts.set(command, (counts.get(command) ?? 0) + 1);
    };
    await this.#catchUp();
    this.#monitor.on("monitor", count);
    try {
      const result = await action();
      await this.#catchUp();
      return { result, counts };
    } finally {
      this.#monitor.off("monitor", count);
    }
  }

  /** Their addresses, as MONITOR names them. */
  async #connectionsOfSkein(): Promise<Set<string>> {
    const list = String(await this.#redis.client("LIST"));
    const connections = list.split("\n").map((line) => {
      return new Map(line.split(" ").map((field) => field.split(/=(.*)/su, 2) as [string, string]));
    });
    return new Set(
      connections.filter((c) => CONNECTION_NAME.test(c.get("name") ?? "")).map((c) => c.get("addr") ?? ""),
    );
  }

  /** Resolves when the monitor has shown everything that was sent until now. */
  async #catchUp(): Promise<void> {
    const mark = randomUUID();
    const shown = new Promise<void>((resolve) => {
      const look = (_time: string, [, argument]: string[]): void => {
        if (argument !== mark) return;
        this.#monitor.off("monitor", look);
        resolve();
      };
      this.#monitor.on("monitor", look);
    });
    await this.#redis.echo(mark);
    await Promise.race([shown, this.#lost]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#monitor.disconnect();
    this.#redis.disconnect();
  }
}

export function totalOf(counts: CommandCounts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
