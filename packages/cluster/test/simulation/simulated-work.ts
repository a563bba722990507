/** The work of a simulation's calls: how long it takes, whether it fails, hangs or heeds its signal, recorded as it goes. */
import type { FlightContext, Work } from "@skein/core";
import type { SeededRandom } from "@skein/testkit";
import type { Recorder } from "./recorder.ts";
import type { Referee } from "./referee.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** Longer than any flight may last. */
export const LONGEST_WORK_MS = 15_000;

export interface Executed {
  readonly key: string;
  readonly process: string;
  /** Of the value, or in the message of the error. */
  readonly text: string;
  readonly beganAt: number;
  endedAt: number;
  failed: boolean;
}

export class SimulatedWork {
  /** By text. */
  readonly executed = new Map<string, Executed>();
  /** From now on all work is short. */
  calm = false;
  readonly #random: SeededRandom;
  readonly #recorder: Recorder;
  readonly #referee: Referee;
  readonly #undisturbed: boolean;

  constructor(random: SeededRandom, recorder: Recorder, referee: Referee, undisturbed: boolean) {
    this.#random = random;
    this.#recorder = recorder;
    this.#referee = referee;
    this.#undisturbed = undisturbed;
  }

  of(process: SimulatedProcess, key: string): Work<string> {
    return (signal, flight) => this.#run(process, key, signal, flight);
  }

  #run(process: SimulatedProcess, key: string, signal: AbortSignal, flight: FlightContext): Promise<string> {
    const recorder = this.#recorder;
    const { clock } = process;
    const text = `${key}#${this.executed.size + 1}`;
    const executed: Executed = {
      key,
      process: process.id,
      text,
      beganAt: clock.now(),
      endedAt: Infinity,
      failed: false,
    };
    this.executed.set(text, executed);
    const token = flight.fencingToken;
    const identity = { key, execution: text, ...(token === undefined ? {} : { token }) };
    if (process.policy.shadow) recorder.record(process.id, { ev: "shadow", key });
    recorder.record(process.id, { ev: "start", ...identity });
    // Its successor in this process may run beside it.
    if (recorder.displaced.has(flight.flightId)) recorder.record(process.id, { ev: "evicted", key });
    // Its election was over before the process heard that it had won it.
    if (token !== undefined && !this.#referee.reigns(key, token)) {
      recorder.record(process.id, { ev: "expired", key, token });
    }
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const plan = this.#plan();
    const end = (failure?: unknown): void => {
      if (executed.endedAt !== Infinity) return;
      executed.endedAt = clock.now();
      executed.failed = failure !== undefined;
      recorder.record(process.id, {
        ev: "end",
        ...identity,
        ...(failure === undefined ? { digest: text } : {}),
      });
      if (failure === undefined) resolve(text);
      else reject(failure);
    };
    if (plan.takesMs !== undefined) {
      clock.setTimer(() => end(plan.fails ? new Error(`boom ${text}`) : undefined), plan.takesMs);
    }
    signal.addEventListener("abort", () => {
      // What it was told to stop is another's from now on, whether it heeds that or not.
      recorder.record(process.id, { ev: "resigned", ...(token === undefined ? { key } : { key, token }) });
      if (plan.heeds) end(signal.reason);
    });
    return promise;
  }

  /** `takesMs` undefined: until it is aborted. */
  #plan(): { readonly takesMs: number | undefined; readonly heeds: boolean; readonly fails: boolean } {
    const random = this.#random;
    const [kind, manner, luck] = [random.fraction(), random.fraction(), random.fraction()];
    const fails = luck < 0.1;
    if (this.#undisturbed) return { takesMs: 60 + random.integer(1_500), heeds: true, fails };
    if (!this.calm) {
      if (kind < 0.03) return { takesMs: undefined, heeds: true, fails };
      if (kind < 0.05) {
        return { takesMs: 8_000 + random.integer(LONGEST_WORK_MS - 8_000), heeds: false, fails };
      }
      if (kind < 0.2) return { takesMs: random.integer(6_000), heeds: manner < 0.5, fails };
    }
    return { takesMs: random.integer(800), heeds: manner < 0.5, fails };
  }
}
