/**
 * Batches of calls, all of them under way at once: `callers` calls of each of `keys` keys, one execution per key. The load
 * does as little as something asynchronous can: all loads of a batch end with the next turn of the event loop.
 */
import type { Call } from "../call.ts";
import type { InProcessContender } from "./contender.ts";

export interface BatchShape {
  readonly keys: number;
  readonly callers: number;
}

export class Batches {
  readonly calls: number;
  executions = 0;
  readonly #callers: number;
  /** Two sets take turns: a cache with room for one of them misses every time. */
  readonly #keySets: readonly (readonly string[])[];
  readonly #call: Call;
  #turn = 0;
  #landing: Promise<void> = Promise.resolve();

  constructor(contender: InProcessContender, { keys, callers }: BatchShape) {
    this.calls = keys * callers;
    this.#callers = callers;
    this.#keySets = ["even", "odd"].map((set) =>
      Array.from({ length: keys }, (_, index) => `${set}:${index}`),
    );
    this.#call = contender.open(async (key) => {
      this.executions++;
      await this.#landing;
      return key;
    }, keys);
  }

  /** One batch, from the first call to the last answer. */
  async run(): Promise<unknown[]> {
    const { promises, land } = this.takeOff();
    setImmediate(land);
    return Promise.all(promises);
  }

  /** Makes all calls; their loads end when `land` is called. */
  takeOff(): { promises: Promise<unknown>[]; land: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#landing = promise;
    const keys = this.#keySets[this.#turn++ % 2] ?? [];
    const promises: Promise<unknown>[] = Array.from({ length: this.calls });
    let index = 0;
    for (const key of keys) {
      for (let caller = 0; caller < this.#callers; caller++) promises[index++] = this.#call(key);
    }
    return { promises, land: resolve };
  }
}
