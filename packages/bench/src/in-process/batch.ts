/**
 * Batches of calls, all of them under way at once: `callers` calls of each of `keys` keys, one execution per key. The load
 * does as little as something asynchronous can: all loads of a batch end with the next turn of the event loop.
 */
import type { Call } from "../call.ts";
import type { InProcessContender } from "./contender.ts";

export interface BatchShape {
  readonly keys: number;
  readonly callers: number;
  /** No key comes a second time; default: the same two sets come in turn. */
  readonly fresh?: boolean;
}

export class Batches {
  readonly calls: number;
  executions = 0;
  readonly #shape: BatchShape;
  /** Two sets take turns: a cache with room for one of them misses every time. */
  readonly #keySets: readonly (readonly string[])[];
  readonly #call: Call;
  #turn = 0;
  #landing: Promise<void> = Promise.resolve();

  constructor(contender: InProcessContender, shape: BatchShape) {
    const { keys, callers } = shape;
    this.#shape = shape;
    this.calls = keys * callers;
    this.#keySets = ["even", "odd"].map((set) => keySet(set, keys));
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
    const { keys: count, callers, fresh = false } = this.#shape;
    const turn = this.#turn++;
    const keys = fresh ? keySet(turn.toString(36), count) : (this.#keySets[turn % 2] ?? []);
    const promises: Promise<unknown>[] = Array.from({ length: this.calls });
    let index = 0;
    for (const key of keys) {
      for (let caller = 0; caller < callers; caller++) promises[index++] = this.#call(key);
    }
    return { promises, land: resolve };
  }
}

function keySet(name: string, keys: number): readonly string[] {
  return Array.from({ length: keys }, (_, index) => `${name}:${index}`);
}
