/** Several coalescers in this process, each with connections and an identity of its own, as processes would have. */
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import type { RedisServer } from "@skein/testkit";
import { startTopology, type RedisTopology } from "../topology/redis-topology.ts";
import { WAKEUP } from "../wakeup.ts";

export interface Instance {
  readonly flights: ClusterSingleflight;
  readonly events: ClusterEvent[];
}

export class FleetOfInstances {
  readonly instances: readonly Instance[];
  readonly #topology: RedisTopology;

  private constructor(topology: RedisTopology, instances: readonly Instance[]) {
    this.#topology = topology;
    this.instances = instances;
  }

  static async start(
    count: number,
    options: Partial<ClusterOptions> | ((index: number) => Partial<ClusterOptions>) = {},
    serverArgs: readonly string[] = [],
  ): Promise<FleetOfInstances> {
    const topology = await startTopology(serverArgs);
    const instances = Array.from({ length: count }, (_, index) => {
      const events: ClusterEvent[] = [];
      const own = typeof options === "function" ? options(index) : options;
      const flights = new ClusterSingleflight({
        redis: topology.source,
        namespace: "test",
        prefixes: ["k:"],
        // A busy machine must not look like a slow Redis.
        redisTimeoutMs: 10_000,
        wakeup: WAKEUP,
        observer: { onEvent: (event) => void events.push(event) },
        ...own,
      });
      return { flights, events };
    });
    await Promise.all(instances.map(({ flights }) => flights.ready()));
    return new FleetOfInstances(topology, instances);
  }

  /** Where one server keeps everything: see `oneServer`. */
  get redis(): RedisServer {
    return this.#topology.server;
  }

  at(index: number): ClusterSingleflight {
    return this.instance(index).flights;
  }

  instance(index: number): Instance {
    const instance = this.instances[index];
    if (instance === undefined) throw new Error(`there is no instance ${index}`);
    return instance;
  }

  count(index: number, type: ClusterEvent["type"]): number {
    return this.instance(index).events.filter((event) => event.type === type).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map(({ flights }) => flights.close({ drainMs: 0 })));
    await this.#topology.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Work that runs until told to end, and tells when it has begun and whether it was aborted. */
export class HeldWork<T> {
  readonly #outcome = Promise.withResolvers<T>();
  readonly #begun = Promise.withResolvers<void>();
  executions = 0;
  signal: AbortSignal | undefined;

  readonly run = (signal: AbortSignal): Promise<T> => {
    this.executions++;
    this.signal = signal;
    this.#begun.resolve();
    return this.#outcome.promise;
  };

  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  end(value: T): void {
    this.#outcome.resolve(value);
  }

  fail(error: unknown): void {
    this.#outcome.reject(error);
  }
}
