/** Several processes of one deployment that record what they go through, and whose way to Redis a test can disturb. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  expectHistoryHolds,
  Flier,
  HistoryWriter,
  monotonicMs,
  readHistory,
  RedisServer,
  TcpProxy,
  waitUntil,
  type FlierEvent,
  type HistoryCheckOptions,
  type HistoryLine,
  type RedisServerOptions,
} from "@skein/testkit";
import type { ClusterOptions } from "@skein/cluster";
import type { WorkPlan } from "../../fliers/coalescing-flier.ts";
import type { Told } from "../../fliers/deployment.ts";
import { loginOn } from "../../topology/redis-topology.ts";
import { WAKEUP } from "../../wakeup.ts";

const SCRIPT = new URL("../../fliers/coalescing-flier.ts", import.meta.url);
const PATIENCE_MS = 30_000;

export interface FaultFleetOptions {
  readonly processes: number;
  readonly options?: Partial<ClusterOptions>;
  readonly server?: RedisServerOptions;
  /** A proxy of its own in front of each process's Redis. */
  readonly proxied?: boolean;
  /** Where processes look for Redis; default: at the server, or at their proxy. */
  readonly redisOf?: (index: number, redis: RedisServer) => ClusterOptions["redis"];
  /** A command that runs the process of this index, as on a host of its own. */
  readonly prefixOf?: (index: number) => readonly string[];
  /** Added to the environment of the process of this index. */
  readonly envOf?: (index: number) => NodeJS.ProcessEnv;
  /** Processes tell nothing but their history: for runs that take long. */
  readonly quiet?: boolean;
}

export class FaultFleet implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly proxies: readonly TcpProxy[];
  readonly fliers: Flier[];
  /** Begins another life of the process of this index. */
  readonly #begin: (index: number, life: number) => Promise<Flier>;
  readonly #lives: number[];
  readonly #directory: string;
  readonly #test: HistoryWriter;
  #keepsHistory = false;

  private constructor(
    redis: RedisServer,
    proxies: readonly TcpProxy[],
    fliers: readonly Flier[],
    directory: string,
    begin: (index: number, life: number) => Promise<Flier>,
  ) {
    this.redis = redis;
    this.proxies = proxies;
    this.fliers = [...fliers];
    this.#begin = begin;
    this.#lives = fliers.map(() => 0);
    this.#directory = directory;
    this.#test = new HistoryWriter(directory, "test");
  }

  static async start({
    processes,
    options,
    server,
    proxied,
    redisOf,
    prefixOf,
    envOf,
    quiet,
  }: FaultFleetOptions): Promise<FaultFleet> {
    const directory = await mkdtemp(join(tmpdir(), "skein-history-"));
    const redis = await RedisServer.start({ args: ["--enable-debug-command", "yes"], ...server });
    const proxies =
      proxied === true
        ? await Promise.all(
            Array.from({ length: processes }, () => TcpProxy.start({ targetPort: redis.port })),
          )
        : [];
    const login = await loginOn(redis);
    const begin = (index: number, life: number): Promise<Flier> => {
      const { host, port } = proxies[index] ?? redis;
      const source = redisOf?.(index, redis) ?? { host, port, ...login };
      const usual = { namespace: "test", prefixes: ["k:"], redisTimeoutMs: 1_000, wakeup: WAKEUP };
      const own = { redis: source, ...usual, ...options };
      const config = { name: nameOf(index, life), history: directory, options: own, quiet: quiet === true };
      const prefix = prefixOf?.(index) ?? [];
      return Flier.start(SCRIPT, config, { prefix, env: envOf?.(index) ?? {}, execArgv: ["--expose-gc"] });
    };
    const fliers = await Promise.all(Array.from({ length: processes }, (_, index) => begin(index, 0)));
    return new FaultFleet(redis, proxies, fliers, directory, begin);
  }

  flier(index: number): Flier {
    const flier = this.fliers[index];
    if (flier === undefined) throw new Error(`there is no process ${index}`);
    return flier;
  }

  proxy(index: number): TcpProxy {
    const proxy = this.proxies[index];
    if (proxy === undefined) throw new Error(`there is no proxy ${index}`);
    return proxy;
  }

  call(index: number, key: string, plan: WorkPlan = {}, timeoutMs?: number): Promise<Told> {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const answer = this.flier(index).call<Told>("call", key, { unlike: true, ...plan }, options);
    // A process that is killed takes its calls with it.
    answer.catch(() => undefined);
    return answer;
  }

  /** A call whose process leads, once its work has begun. */
  async lead(
    index: number,
    key: string,
    plan: WorkPlan = { held: true },
  ): Promise<{ answer: Promise<Told> }> {
    const before = this.count(index, "lead");
    const answer = this.call(index, key, plan);
    await waitUntil(() => this.count(index, "lead") > before, { what: "a leader", timeoutMs: PATIENCE_MS });
    return { answer };
  }

  async follow(index: number, key: string, plan: WorkPlan = {}): Promise<{ answer: Promise<Told> }> {
    const before = this.count(index, "follow");
    const answer = this.call(index, key, plan);
    await waitUntil(() => this.count(index, "follow") > before, {
      what: "a follower",
      timeoutMs: PATIENCE_MS,
    });
    return { answer };
  }

  /** Ends the work of a process that is held. */
  async release(index: number): Promise<void> {
    await this.flier(index).call("release");
  }

  eventsOf(index: number, type: string): FlierEvent[] {
    return this.flier(index)
      .events.map(({ event }) => event as FlierEvent | undefined)
      .filter((event) => event?.type === type) as FlierEvent[];
  }

  count(index: number, type: string): number {
    return this.eventsOf(index, type).length;
  }

  until(index: number, type: string): Promise<unknown> {
    return waitUntil(() => this.count(index, type) > 0, {
      what: `${type} of process ${index}`,
      timeoutMs: PATIENCE_MS,
    });
  }

  /** Waits until a call of this process for a new key is coordinated. */
  async coordinated(index: number): Promise<void> {
    let tries = 0;
    await waitUntil(async () => (await this.call(index, `k:again-${index}-${++tries}`)).role === "leader", {
      what: "a coordinated call",
      timeoutMs: PATIENCE_MS,
      everyMs: 50,
    });
  }

  /** Where the processes wait for wake-ups: a channel each, or a list. A token says which process it was given to. */
  async inboxes(): Promise<string[]> {
    const processes = await Promise.all(
      this.fliers.map(async (_, index) => (await this.call(index, `k:of ${index}`)).flightId?.split("-")[1]),
    );
    return processes.map((process) => `skein1:test:inbox:${process}`);
  }

  async kill(index: number): Promise<void> {
    await this.flier(index).kill("SIGKILL");
    this.#test.record({ ev: "fault", key: "", fault: "killed", target: this.#name(index) });
  }

  /** After `kill`: a new process in its place. */
  async revive(index: number): Promise<void> {
    const life = (this.#lives[index] ?? 0) + 1;
    this.fliers[index] = await this.#begin(index, life);
    this.#lives[index] = life;
  }

  pause(index: number): void {
    this.flier(index).signal("SIGSTOP");
    this.#test.record({ ev: "fault", key: "", fault: "paused", target: this.#name(index) });
  }

  resume(index: number): void {
    this.#test.record({ ev: "fault", key: "", fault: "resumed", target: this.#name(index) });
    this.flier(index).signal("SIGCONT");
  }

  /** Redis dies and comes back with nothing; whoever runs it gives its users their rights again. */
  async restartRedis(): Promise<void> {
    await this.redis.restart();
    await loginOn(this.redis);
  }

  /** In the course of `act` Redis forgets what it knew. Its clock is this machine's. */
  async losingData<T>(act: () => Promise<T>): Promise<T> {
    const tSent = monotonicMs();
    const result = await act();
    const fault = "redis-lost-data";
    this.#test.record({ ev: "fault", key: "", fault, tSent, tRedis: Date.now() });
    return result;
  }

  /** What processes recorded so far. */
  history(): HistoryLine[] {
    return readHistory(this.#directory);
  }

  /** @throws with every invariant that was broken, the lines that prove it, and where all of them are kept. */
  holds(options: HistoryCheckOptions = {}): void {
    try {
      expectHistoryHolds(this.history(), options);
    } catch (error) {
      this.#keepsHistory = true;
      throw new Error(`${(error as Error).message}\nThe history is in ${this.#directory}.`, { cause: error });
    }
  }

  #name(index: number): string {
    return nameOf(index, this.#lives[index] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.fliers.map((flier) => flier.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.redis.stop();
    this.#test.close();
    if (!this.#keepsHistory) await rm(this.#directory, { recursive: true });
  }
}

/** Of one life of one process. */
function nameOf(index: number, life: number): string {
  return life === 0 ? `p${index}` : `p${index}.${life}`;
}
