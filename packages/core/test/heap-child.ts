/**
 * Calls a coalescer with a million keys, in every way in which a flight can end, then says what is left on the heap.
 * Run with --expose-gc. With the argument "leaky" the coalescer keeps each call's promise, as one that forgets to delete
 * its entries would: a check that does not fail for this one proves nothing.
 */
import { setImmediate, setTimeout } from "node:timers/promises";
import { Singleflight, type CallOptions, type Work } from "../src/index.ts";

const KEYS = Number(process.argv[3] ?? 1_000_000);
const BATCH = 1_000;
/** Every so many keys, the values, works, signals and errors of a flight are watched until they are collected. */
const SAMPLE = 997;

class Leaky extends Singleflight<Value> {
  readonly #kept = new Map<string, unknown>();

  override do<T extends Value>(key: string, work: Work<T>, options?: CallOptions): Promise<T> {
    const promise = super.do(key, work, options);
    this.#kept.set(key, promise);
    return promise;
  }
}

class Value {
  readonly text: string;

  constructor(key: string) {
    this.text = `the value of ${key}`;
  }
}

const flights = process.argv[2] === "leaky" ? new Leaky() : new Singleflight<Value>({ maxAgeMs: 60_000 });
const process_ = new AbortController();
const watched = new Set<WeakRef<object>>();
let answered = 0;

await run(0, 100_000);
const before = await heapBytes();
await run(100_000, 100_000 + KEYS);
const after = await heapBytes();
const alive = [...watched].filter((reference) => reference.deref() !== undefined).length;
process.stdout.write(
  JSON.stringify({ answered, grownBytes: after - before, watched: watched.size, alive, size: flights.size }),
);

async function run(from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    await Promise.allSettled(Array.from({ length: BATCH }, (_, index) => oneKey(start + index)));
    await setImmediate();
  }
}

/** One flight, ended in the way that is this index's turn; every call is answered before it returns. */
async function oneKey(index: number): Promise<void> {
  const key = `key:${index}`;
  const late = Promise.withResolvers<Value>();
  const works = {
    value: async () => new Value(key),
    error: () => Promise.reject(watch(index, new Error(key))),
    late: () => late.promise,
  };
  const caller = new AbortController();
  const calls: Promise<unknown>[] = [];
  const call = (work: () => Promise<Value>, options?: CallOptions): void => {
    const seen: Work<Value> = (signal) => {
      watch(index, signal);
      return work();
    };
    watch(index, seen);
    calls.push(flights.do(key, seen, options));
  };
  switch (index % 8) {
    case 0:
      call(works.value);
      call(works.value);
      break;
    case 1:
      call(works.error);
      break;
    case 2:
      call(works.value, { signal: process_.signal, timeoutMs: 600_000 });
      break;
    case 3:
      call(works.late, { signal: caller.signal });
      caller.abort();
      break;
    case 4:
      call(works.late);
      await flights.forget(key);
      call(works.value);
      break;
    case 5:
      calls.push(flights.fly(key, works.value, { signal: process_.signal }));
      break;
    case 6:
      call(works.error, { signal: caller.signal, timeoutMs: 600_000 });
      break;
    case 7:
      calls.push(flights.do(`${key}:outer`, () => flights.do(key, works.value)));
      break;
  }
  late.resolve(new Value(key));
  for (const result of await Promise.allSettled(calls)) {
    answered++;
    watch(index, result);
    if (result.status === "fulfilled") watch(index, result.value as object);
  }
}

function watch<T extends object>(index: number, target: T): T {
  if (index % SAMPLE === 0) watched.add(new WeakRef(target));
  return target;
}

async function heapBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  // What a WeakRef was asked for in a turn lives as long as that turn; a few turns and collections settle all.
  for (let round = 0; round < 5; round++) {
    await setTimeout(10);
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}
