/** All contenders, each in a process of its own, asked in turns: what disturbs the machine disturbs all of them. */
import { Flier } from "@skein/testkit";
import { CONTENDERS } from "./contenders.ts";
import type { BatchShape } from "./batch.ts";
import { scriptBeside } from "../script.ts";

/** By contender, one value per round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

export class Contest implements AsyncDisposable {
  readonly #fliers: ReadonlyMap<string, Flier>;

  private constructor(fliers: ReadonlyMap<string, Flier>) {
    this.#fliers = fliers;
  }

  /** `settleInMs`: how long each contender runs before anything is timed, as a service does that has been up for a while. */
  static async open(shape: BatchShape, settleInMs: number): Promise<Contest> {
    const fliers = new Map<string, Flier>();
    for (const { name, module } of CONTENDERS) {
      const script = scriptBeside("contender-process", import.meta.url);
      const flier = await Flier.start(script, { name, module }, { execArgv: ["--expose-gc"] });
      fliers.set(name, flier);
      await flier.call("settleIn", shape, settleInMs);
    }
    return new Contest(fliers);
  }

  /** Nanoseconds per call. */
  time(shape: BatchShape, rounds: number, budgetMs: number): Promise<Rounds> {
    return this.#takeTurns(rounds, (flier) => flier.call<number>("time", shape, budgetMs));
  }

  /** Bytes per flight under way. */
  weigh(shape: BatchShape, rounds: number): Promise<Rounds> {
    return this.#takeTurns(rounds, (flier) => flier.call<number>("weigh", shape));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#fliers.values()].map((flier) => flier.stop()));
  }

  /** Every round begins with another contender, and the first round, in which everything is cold, does not count. */
  async #takeTurns(rounds: number, measure: (flier: Flier) => Promise<number>): Promise<Rounds> {
    const results = new Map<string, number[]>([...this.#fliers.keys()].map((name) => [name, []]));
    const fliers = [...this.#fliers];
    for (let round = 0; round <= rounds; round++) {
      const first = round % fliers.length;
      for (const [name, flier] of [...fliers.slice(first), ...fliers.slice(0, first)]) {
        const value = await measure(flier);
        if (round > 0) results.get(name)?.push(value);
      }
    }
    return results;
  }
}
