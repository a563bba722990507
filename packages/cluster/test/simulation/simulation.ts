/**
 * A seeded run of several processes: calls, and faults if the seed says so. The same seed gives the same run, event for
 * event. Everything happens in simulated time; what a run finds are violations, in words.
 */
import { background } from "@skein/core/internal";
import { FakeClock, SeededRandom } from "@skein/testkit";
import { Policies, type Policy } from "../../src/policy.ts";
import { FaultInjector } from "./fault-injector.ts";
import { judge, type Call } from "./judgement.ts";
import { Mishaps } from "./mishaps.ts";
import { Recorder } from "./recorder.ts";
import { scenarioOf, type ProcessPlan, type Scenario } from "./scenario.ts";
import { SIMULATED_KEYS, SimulatedProcess } from "./simulated-process.ts";
import { CALM, SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedServer, type FlightMaker } from "./simulated-server.ts";
import { SimulatedWork } from "./simulated-work.ts";

/** Calls and faults come within so long. */
const DISTURBED_MS = 20_000;
/** After the last fault, long enough for every wait, lease, takeover and abandonment to end. */
const AFTERMATH_MS = 400_000;
/** Callers of a stampede come within so long. */
const STAMPEDE_MS = 5;
const CALLS_PER_STAMPEDE = 8;

export interface Played {
  readonly seed: number;
  /** The same for two runs that went the same way. */
  readonly digest: string;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

/** `makeFlight`: a server that does not do as it should. */
export async function play(seed: number, makeFlight?: FlightMaker): Promise<Played> {
  const simulation = new Simulation(seed, makeFlight);
  const violations = await simulation.run();
  const { digest, trace } = simulation.recorder;
  return { seed, digest, violations, trace };
}

export class Simulation {
  readonly recorder: Recorder;
  readonly scenario: Scenario;
  readonly server: SimulatedServer;
  readonly network: SimulatedNetwork;
  readonly mishaps: Mishaps;
  readonly random: SeededRandom;
  readonly clock = new FakeClock();
  readonly keys: readonly string[];
  /** All that ever lived. */
  readonly processes: SimulatedProcess[] = [];
  readonly calls: Call[] = [];
  readonly work: SimulatedWork;

  constructor(seed: number, makeFlight?: FlightMaker) {
    this.random = new SeededRandom(seed);
    this.scenario = scenarioOf(seed, this.random.fork("scenario"));
    this.recorder = new Recorder(this.clock);
    this.mishaps = new Mishaps(this.clock);
    const { weather, undisturbed, keys, calls } = this.scenario;
    this.network = new SimulatedNetwork(this.clock, this.random.fork("network"), this.mishaps, weather);
    // A stampede has a key of its own.
    const count = undisturbed ? Math.ceil(calls / CALLS_PER_STAMPEDE) : keys;
    this.keys = Array.from({ length: count }, (_, index) => `k:${index}`);
    const keyById = new Map(this.keys.map((key) => [SIMULATED_KEYS.flight(key).id, key]));
    this.server = new SimulatedServer({
      clock: this.clock,
      network: this.network,
      recorder: this.recorder,
      mishaps: this.mishaps,
      keyOf: ({ id }) => keyById.get(id),
      makeFlight,
    });
    this.work = new SimulatedWork(this.random.fork("work"), this.recorder, this.server.referee, undisturbed);
    for (const [index, plan] of this.scenario.processes.entries()) this.start(`p${index}`, plan);
  }

  /** Plays it through and returns every violation. */
  async run(): Promise<string[]> {
    if (this.scenario.undisturbed) this.#planStampedes();
    else {
      for (let index = 0; index < this.scenario.calls; index++) {
        this.later(DISTURBED_MS, () => this.#callAny());
      }
    }
    const injector = new FaultInjector(this);
    injector.plan(DISTURBED_MS);
    await this.clock.advance(DISTURBED_MS);
    injector.stop();
    this.network.weather = CALM;
    this.work.calm = true;
    this.recorder.note("calm");
    const calmAt = this.clock.now();
    await this.clock.advance(AFTERMATH_MS);
    return judge(this, calmAt);
  }

  start(id: string, plan: ProcessPlan): SimulatedProcess {
    const process = new SimulatedProcess({
      ...plan,
      id,
      clock: this.clock,
      randomness: this.random.fork(id),
      memory: this.server,
      policy: policyOf(plan),
      onEvent: (event) => this.recorder.tell(id, event),
    });
    this.processes.push(process);
    return process;
  }

  get living(): readonly SimulatedProcess[] {
    return this.processes.filter(({ alive }) => alive);
  }

  later(withinMs: number, action: () => void): void {
    this.clock.setTimer(action, this.random.integer(withinMs));
  }

  #planStampedes(): void {
    for (const [index, key] of this.keys.entries()) {
      const startMs = this.random.integer(DISTURBED_MS - 3_000);
      for (let caller = 0; caller < CALLS_PER_STAMPEDE; caller++) {
        const call = (): void => this.#call(this.random.pick(this.living), key, `s${index}`);
        this.clock.setTimer(call, startMs + this.random.integer(STAMPEDE_MS));
      }
    }
  }

  #callAny(): void {
    const process = this.random.pick(this.living);
    process.clock.whenRunning(() => {
      if (process.alive) this.#call(process, this.random.pick(this.keys));
    });
  }

  #call(process: SimulatedProcess, key: string, stampede?: string): void {
    const { recorder, clock, calls, random } = this;
    const name = `c${calls.length + 1}`;
    const call: Call = { name, key, process: process.id, beganAt: clock.now() };
    calls.push(call);
    const manner = random.fraction();
    const hurries = manner < this.scenario.impatience / 2;
    const leaves = !hurries && manner < this.scenario.impatience;
    if (hurries) call.timeoutMs = 1 + random.integer(3_000);
    recorder.record(process.id, {
      ev: "call",
      key,
      call: name,
      ...(stampede === undefined ? {} : { stampede }),
      ...(call.timeoutMs === undefined ? {} : { deadlineMs: call.timeoutMs }),
    });
    const caller = new AbortController();
    const leaving = new Error("left");
    if (leaves) {
      const leave = (): void => process.clock.whenRunning(() => caller.abort(leaving));
      this.later(3_000, leave);
    }
    const options = {
      ...(leaves ? { signal: caller.signal } : {}),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    };
    const answered = process.table.call(key, this.work.of(process, key), options, true, process.pilot).then(
      (result) => {
        const { value } = result as { value: unknown };
        Object.assign(call, { answeredAt: clock.now(), value });
        recorder.record(process.id, { ev: "return", key, call: name, digest: String(value) });
      },
      (error: unknown) => {
        Object.assign(call, { answeredAt: clock.now(), error });
        recorder.record(process.id, { ev: "error", key, call: name, error: String(error) });
      },
    );
    background(answered);
  }
}

function policyOf({ prefix }: ProcessPlan): Policy {
  const policy = new Policies({ redis: "unused", prefixes: { "k:": prefix } }).find("k:");
  if (policy === undefined) throw new Error("no policy");
  return policy;
}
