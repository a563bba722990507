/** Several processes of one deployment on a Redis of their own, for the tests. */
import type { ClusterOptions } from "@skein/cluster";
import { Flier, type FlierEvent, type RedisServer } from "@skein/testkit";
import { loginOn, oneServer, startTopology, type RedisTopology } from "../topology/redis-topology.ts";
import { WAKEUP } from "../wakeup.ts";

const SCRIPT = new URL("coalescing-flier.ts", import.meta.url);

export interface Told {
  ok: boolean;
  value?: unknown;
  role?: string;
  shared?: boolean;
  flightId?: string;
  takeovers?: number;
  fallbackReason?: string | null;
  error?: { name: string; message: string; code: unknown; skeinCode: unknown };
  tookMs: number;
}

export class Deployment {
  readonly fliers: readonly Flier[];
  readonly #topology: RedisTopology;

  private constructor(topology: RedisTopology, fliers: readonly Flier[]) {
    this.#topology = topology;
    this.fliers = fliers;
  }

  static async start(
    processes: number,
    options: Partial<ClusterOptions> | ((index: number) => Partial<ClusterOptions>) = {},
  ): Promise<Deployment> {
    const topology = await startTopology(oneServer ? ["--enable-debug-command", "yes"] : []);
    try {
      const optionsOf = typeof options === "function" ? options : () => options;
      return new Deployment(topology, await Deployment.#fly(topology, processes, optionsOf));
    } catch (error) {
      await topology.stop();
      throw error;
    }
  }

  static #fly(
    { source }: RedisTopology,
    processes: number,
    optionsOf: (index: number) => Partial<ClusterOptions>,
  ): Promise<Flier[]> {
    // A busy machine must not look like a slow Redis.
    const patient = { redisTimeoutMs: 10_000, wakeup: WAKEUP };
    const config = { redis: source, namespace: "test", prefixes: ["k:"], ...patient };
    return Promise.all(
      Array.from({ length: processes }, (_, index) =>
        Flier.start(SCRIPT, { name: `p${index}`, options: { ...config, ...optionsOf(index) } }),
      ),
    );
  }

  /** Where one server keeps everything: see `oneServer`. */
  get redis(): RedisServer {
    return this.#topology.server;
  }

  /** After it was killed: it comes back with nothing, and whoever runs it gives its users their rights again. */
  async restartRedis(): Promise<void> {
    await this.redis.restart();
    await loginOn(this.redis);
  }

  flier(index: number): Flier {
    const flier = this.fliers[index];
    if (flier === undefined) throw new Error(`there is no process ${index}`);
    return flier;
  }

  call(index: number, key: string, plan: object = {}, callOptions: object = {}): Promise<Told> {
    return this.flier(index).call<Told>("call", key, plan, callOptions);
  }

  /** Starts a call whose process leads, and waits until its work has begun. */
  async lead(index: number, key: string, plan: object): Promise<{ answer: Promise<Told> }> {
    const flier = this.flier(index);
    const before = flier.events.filter((event) => event.type === "work-started").length;
    const answer = this.call(index, key, plan);
    answer.catch(() => undefined);
    await flier.waitFor(() => flier.events.filter((event) => event.type === "work-started").length > before);
    return { answer };
  }

  /** Starts a call whose process follows, and waits until it does. */
  async follow(index: number, key: string, plan: object = {}): Promise<{ answer: Promise<Told> }> {
    const flier = this.flier(index);
    const before = this.eventsOf(index, "follow").length;
    const answer = this.call(index, key, plan);
    answer.catch(() => undefined);
    await flier.waitFor(() => this.eventsOf(index, "follow").length > before);
    return { answer };
  }

  /** Ends the work that a process holds. */
  async release(index: number): Promise<void> {
    await this.flier(index).call("release");
  }

  /** What the coalescer of a process told its observer. */
  eventsOf(index: number, type: string): FlierEvent[] {
    return this.flier(index)
      .events.filter((event) => event.type === "event")
      .map((event) => event["event"] as FlierEvent)
      .filter((event) => event.type === type);
  }

  waitForEvent(index: number, type: string, timeoutMs?: number): Promise<unknown> {
    return this.flier(index).waitFor(
      (event) => event.type === "event" && (event["event"] as FlierEvent).type === type,
      timeoutMs,
    );
  }

  async executions(): Promise<number> {
    const counts = await Promise.all(
      this.fliers.map((flier) => flier.call<number>("executions").catch(() => 0)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.fliers.map((flier) => flier.kill()));
    await this.#topology.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
