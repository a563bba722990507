/** Some processes with real flights on simulated time over the coordinator in memory, one of which has trouble to hear. */
import { background } from "@skein/core/internal";
import type { FlightContext, Work } from "@skein/core";
import { FakeClock, SeededRandom } from "@skein/testkit";
import type { Transport } from "../../src/coordinator.ts";
import { MemoryFleet } from "../../src/memory/index.ts";
import type { ClusterEvent } from "../../src/observer.ts";
import type { PrefixOptions } from "../../src/options.ts";
import { Policies } from "../../src/policy.ts";
import { SimulatedProcess } from "../simulation/simulated-process.ts";

export const REDIS_TIMEOUT_MS = 250;
/** Far away: what happens sooner does not happen because of a poll. */
const POLL_EVERY_MS = 20_000;
const KEY = "k:1";

/** What a process was given to do, and what it was told. */
export interface Execution {
  readonly by: string;
  readonly signal: AbortSignal;
  readonly flight: FlightContext;
  end(value: unknown): void;
}

export class Stage {
  readonly clock: FakeClock = new FakeClock();
  readonly memory: MemoryFleet;
  readonly events: { readonly process: string; readonly event: ClusterEvent }[] = [];
  readonly executions: Execution[] = [];
  readonly #replyDelays = new Map<string, number>();
  readonly #options: PrefixOptions;

  constructor(options: PrefixOptions = {}) {
    this.#options = options;
    const { clock } = this;
    this.memory = new MemoryFleet({
      clock,
      network: {
        copies: ({ process, kind }) => {
          const delayMs = kind === "reply" ? (this.#replyDelays.get(process) ?? 0) : 0;
          return delayMs === Infinity ? [] : [delayMs];
        },
      },
    });
  }

  start(id: string, transport: Transport = "p"): SimulatedProcess {
    const policy = new Policies({ redis: "unused", prefixes: { "k:": this.#options } }).find("k:");
    if (policy === undefined) throw new Error("no policy");
    return new SimulatedProcess({
      id,
      clock: this.clock,
      randomness: new SeededRandom(id),
      memory: this.memory,
      policy,
      transport,
      maxEntries: 100,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      pollEveryMs: POLL_EVERY_MS,
      onEvent: (event) => void this.events.push({ process: id, event }),
    });
  }

  /** As by SIGKILL. */
  kill(process: SimulatedProcess): void {
    process.clock.kill();
    this.memory.killProcess(process.id);
  }

  /** From now on replies to this process take so long; Infinity: they are lost. Wake-ups arrive all the same. */
  delayRepliesTo({ id }: SimulatedProcess, delayMs: number): void {
    this.#replyDelays.set(id, delayMs);
  }

  /** A call whose work ends when it is told to, abort or not; and all that follows at once has happened. */
  async call(process: SimulatedProcess): Promise<{ readonly answer: Promise<unknown> }> {
    const work: Work<unknown> = (signal, flight) => {
      const { promise, resolve } = Promise.withResolvers();
      this.executions.push({ by: process.id, signal, flight, end: resolve });
      return promise;
    };
    const answer = process.table.call(KEY, work, undefined, false, process.pilot);
    background(answer.catch(() => undefined));
    await this.clock.advance(0);
    return { answer };
  }

  /** The latest execution. */
  get execution(): Execution {
    const latest = this.executions.at(-1);
    if (latest === undefined) throw new Error("nothing was executed");
    return latest;
  }

  count({ id }: SimulatedProcess, type: ClusterEvent["type"]): number {
    return this.events.filter(({ process, event }) => process === id && event.type === type).length;
  }
}
