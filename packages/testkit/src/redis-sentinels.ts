/**
 * A primary, its replicas, and Sentinels of a test's own that put a replica into the primary's place when it dies: soon,
 * since a test waits for it.
 */
import type { ClientOptions } from "./server-launch.ts";
import { startReplica } from "./redis-replica.ts";
import { RedisServer } from "./redis-server.ts";
import { SentinelProcess } from "./sentinel-process.ts";
import { waitUntil } from "./wait-until.ts";

const NAME = "flock";
const MAX_FAILOVER_MS = 60_000;

export interface RedisSentinelsOptions {
  /** How many Sentinels; default 3. */
  sentinels?: number;
  /** How many replicas; default 1. */
  replicas?: number;
  /** A primary that has not answered for so long counts as down; default 500. */
  downAfterMs?: number;
  /** Further arguments of primary and replicas. */
  args?: readonly string[];
}

export class RedisSentinels implements AsyncDisposable {
  /** The first one was the primary at first. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly SentinelProcess[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly SentinelProcess[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  /** Resolves when every Sentinel knows every other and every replica. */
  static async start(options: RedisSentinelsOptions = {}): Promise<RedisSentinels> {
    const { sentinels = 3, replicas = 1, downAfterMs = 500, args = [] } = options;
    const servers: RedisServer[] = [];
    const watching: SentinelProcess[] = [];
    const all = new RedisSentinels(servers, watching);
    try {
      const primary = await RedisServer.start({ args });
      servers.push(primary);
      for (let index = 0; index < replicas; index++) servers.push(await startReplica(primary, { args }));
      const quorum = Math.floor(sentinels / 2) + 1;
      const config = [
        `sentinel monitor ${NAME} ${primary.host} ${primary.port} ${quorum}`,
        `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
        `sentinel failover-timeout ${NAME} 3000`,
      ];
      for (let index = 0; index < sentinels; index++) watching.push(await SentinelProcess.start({ config }));
      await waitUntil(() => all.#allKnown(), {
        timeoutMs: 60_000,
        everyMs: 100,
        what: "the Sentinels to know each other",
      });
      return all;
    } catch (error) {
      await all.stop();
      throw error;
    }
  }

  /** For a client that is to be led to the primary. */
  get options(): ClientOptions {
    return { name: NAME, sentinels: this.sentinels.map(({ host, port }) => ({ host, port })) };
  }

  /** Whom most Sentinels name. */
  async primary(): Promise<RedisServer | undefined> {
    const ports = await Promise.all(
      this.sentinels.map((sentinel) => sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)),
    );
    const named = ports.map((reply) => Number(Array.isArray(reply) ? reply[1] : 0));
    return this.servers.find(
      ({ port }) => named.filter((one) => one === port).length > this.sentinels.length / 2,
    );
  }

  /** Waits until another server is primary than that one, and says which. */
  async failedOverFrom(old: RedisServer): Promise<RedisServer> {
    let primary: RedisServer | undefined;
    await waitUntil(
      async () => {
        primary = await this.primary();
        return primary !== undefined && primary !== old;
      },
      { timeoutMs: MAX_FAILOVER_MS, everyMs: 50, what: "a failover" },
    );
    return primary ?? old;
  }

  /** Asks for a failover while everybody lives. */
  async failOver(): Promise<void> {
    await this.sentinels[0]?.ask("SENTINEL", "FAILOVER", NAME);
  }

  async stop(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #allKnown(): Promise<boolean> {
    const known = await Promise.all(
      this.sentinels.map(async (sentinel) => {
        const others = await sentinel.ask("SENTINEL", "SENTINELS", NAME);
        const replicas = await sentinel.ask("SENTINEL", "REPLICAS", NAME);
        return [others, replicas].map((list) => (Array.isArray(list) ? list.length : 0));
      }),
    );
    return known.every(
      ([others, replicas]) => others === this.sentinels.length - 1 && replicas === this.servers.length - 1,
    );
  }
}
