/**
 * A seeded run of several processes: calls, and faults if so asked. The same seed gives the same run, event for event.
 */
import { background } from "@skein/core/internal";
import { FakeClock, SeededRandom } from "@skein/testkit";
import type { Transport } from "../../src/coordinator.ts";
import { MemoryFleet, type MemoryNetwork } from "../../src/memory/index.ts";
import type { Policy } from "../../src/policy.ts";
import { Policies } from "../../src/policy.ts";
import { History, type Call, type Execution } from "./history.ts";
import { REDIS_TIMEOUT_MS, SimulatedProcess } from "./simulated-process.ts";

export interface SimulationOptions {
  readonly seed: number | string;
  readonly processes: number;
  readonly calls: number;
  readonly keys: number;
  /** Callers that leave, work that hangs; loss, duplication, delay, cut inboxes, kills, pauses, clock jumps, lost data. */
  readonly faulty: boolean;
  /** How processes are woken, in turn. Default: all by pub/sub. */
  readonly transports?: readonly Transport[];
}

const CALLS_WITHIN_MS = 20_000;
/** After the last call, long enough for every wait, lease, takeover and abandonment to end. */
const AFTERMATH_MS = 400_000;
const MAX_TAKEOVERS = 2;

export class Simulation {
  readonly history: History = new History();
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #clock = new FakeClock();
  readonly #memory: MemoryFleet;
  readonly #policy: Policy;
  readonly #processes: SimulatedProcess[];
  #values = 0;
  #calm = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#memory = new MemoryFleet({ clock: this.#clock, network: this.#network() });
    this.#policy = this.#choosePolicy();
    const { processes, transports = ["p"] } = options;
    this.#processes = Array.from({ length: processes }, (_, index) =>
      this.#start(`p${index}`, transports[index % transports.length] ?? "p"),
    );
  }

  /** Plays it through and returns every violation. */
  async run(): Promise<string[]> {
    const { calls, faulty } = this.#options;
    for (let index = 0; index < calls; index++) this.#later(CALLS_WITHIN_MS, () => this.#call());
    if (faulty) {
      for (let index = 0; index < 12; index++) this.#later(CALLS_WITHIN_MS, () => this.#breakSomething());
    }
    await this.#clock.advance(CALLS_WITHIN_MS);
    this.#calm = true;
    for (const process of this.#processes) {
      if (!process.alive) continue;
      process.clock.resume();
      process.member.inbox.reconnect();
    }
    await this.#clock.advance(AFTERMATH_MS);
    const violations = this.history.violations({
      maxTakeovers: MAX_TAKEOVERS,
      slackMs: faulty ? 6_000 : 50,
      faulty,
    });
    for (const process of this.#processes) {
      if (process.alive && !process.quiet) violations.push(`I12: ${process.id} is not quiet`);
    }
    if (this.#memory.flightTtlsMs.length > 0) violations.push("I12: the server still holds flights");
    return violations;
  }

  #choosePolicy(): Policy {
    const leaseMs = 500 + this.#random.integer(3_000);
    const maxAgeMs = 5_000;
    const policies = new Policies({
      redis: "unused",
      prefixes: {
        "k:": { leaseMs, maxAgeMs, waitTimeoutMs: 20_000, maxTakeovers: MAX_TAKEOVERS, abandonMs: 5_000 },
      },
    });
    const policy = policies.find("k:");
    if (policy === undefined) throw new Error("no policy");
    return policy;
  }

  #start(id: string, transport: Transport): SimulatedProcess {
    return new SimulatedProcess({
      id,
      transport,
      clock: this.#clock,
      randomness: this.#random.fork(id),
      memory: this.#memory,
      policy: this.#policy,
      // Small enough to be reached: then the oldest flight is evicted.
      maxEntries: this.#options.faulty ? 2 : 100,
      onEvent: (event) => void this.history.events.push({ at: this.#clock.now(), process: id, event }),
    });
  }

  #call(): void {
    const process = this.#random.pick(this.#processes);
    if (!process.alive) return;
    const key = `k:${this.#random.integer(this.#options.keys)}`;
    const call: Call = { key, process: process.id, beganAt: this.#clock.now() };
    this.history.calls.push(call);
    const controller = new AbortController();
    const options =
      this.#options.faulty && this.#random.fraction() < 0.1 ? { signal: controller.signal } : {};
    if ("signal" in options) this.#later(2_000, () => controller.abort(new Error("left")));
    process.table
      .call(key, (signal) => this.#work(process, key, signal), options, true, process.pilot)
      .then(
        (result) => {
          const { value, takeovers, flightId } = result as {
            value: string;
            takeovers: number;
            flightId: string;
          };
          Object.assign(call, { answeredAt: this.#clock.now(), value, takeovers, flightId });
        },
        (error: unknown) => Object.assign(call, { answeredAt: this.#clock.now(), error: String(error) }),
      );
  }

  #work(process: SimulatedProcess, key: string, signal: AbortSignal): Promise<string> {
    const value = `${key}#${++this.#values}`;
    const startedAt = this.#clock.now();
    const execution: Execution = { key, process: process.id, value, startedAt, endedAt: Infinity };
    this.history.executions.push(execution);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const end = (): void => {
      execution.endedAt = this.#clock.now();
      resolve(value);
    };
    const chance = this.#random.fraction();
    // Some work hangs until it is aborted; some heeds its signal, some does not.
    if (chance > 0.05 || !this.#options.faulty) {
      process.clock.setTimer(
        end,
        10 + this.#random.integer(this.#options.faulty && chance < 0.2 ? 6_000 : 800),
      );
    }
    if (chance < 0.5) {
      signal.addEventListener("abort", () => {
        execution.endedAt = this.#clock.now();
        reject(signal.reason);
      });
    }
    return promise;
  }

  #breakSomething(): void {
    const process = this.#random.pick(this.#processes);
    const { inbox } = process.member;
    switch (this.#random.integer(8)) {
      case 0:
        this.#kill(process);
        return;
      case 1:
        process.clock.pause();
        this.#later(8_000, () => process.clock.resume());
        return;
      case 2:
      case 3:
        inbox.disconnect();
        this.#later(2_000, () => inbox.reconnect());
        return;
      case 4:
        this.#memory.jumpClock((this.#random.fraction() - 0.5) * 60_000);
        this.history.unspoken.push(this.#clock.now());
        return;
      case 5:
      case 6:
        this.#forget(process);
        return;
      default:
        this.#memory.loseData();
        this.history.unspoken.push(this.#clock.now());
    }
  }

  /** As ClusterSingleflight.forget: at once in this process, elsewhere when the news arrives. */
  #forget(process: SimulatedProcess): void {
    if (!process.alive) return;
    const key = `k:${this.#random.integer(this.#options.keys)}`;
    process.table.forget(key);
    this.history.forgotten.push({ key, at: this.#clock.now() });
    const name = process.fleet.options.keys.flight(key);
    background(process.fleet.say(name, REDIS_TIMEOUT_MS, () => process.member.coordinator.forget(name)));
  }

  #kill(process: SimulatedProcess): void {
    if (!process.alive || this.#processes.filter(({ alive }) => alive).length === 1) return;
    process.alive = false;
    process.clock.kill();
    this.#memory.killProcess(process.id);
    this.history.unspoken.push(this.#clock.now());
    for (const call of this.history.calls) {
      if (call.process === process.id && call.answeredAt === undefined) call.orphaned = true;
    }
    for (const execution of this.history.executions) {
      if (execution.process === process.id) {
        execution.endedAt = Math.min(execution.endedAt, this.#clock.now());
      }
    }
  }

  #network(): MemoryNetwork {
    const random = this.#random.fork("network");
    return {
      copies: () => {
        if (!this.#options.faulty || this.#calm) return [random.integer(3)];
        const delay = (): number => random.integer(random.fraction() < 0.05 ? 400 : 10);
        if (random.fraction() < 0.02) return [];
        return random.fraction() < 0.02 ? [delay(), delay()] : [delay()];
      },
    };
  }

  #later(withinMs: number, action: () => void): void {
    this.#clock.setTimer(action, this.#random.integer(withinMs));
  }
}
