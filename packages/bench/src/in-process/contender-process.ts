/**
 * A process with one contender in it, so that none of them runs on another's heap or with another's compiled code. Run as a
 * child, with `--expose-gc`; never imported.
 */
import { isDeepStrictEqual } from "node:util";
import { serveFlier } from "@skein/testkit/flier-child";
import { Batches, type BatchShape } from "./batch.ts";
import type { InProcessContender } from "./contender.ts";

/** Batches of a new shape that are run but not timed, as a multiple of those that are: the compiler is done with the code by then. */
const WARM_UP = 10;
/** Before flights are weighed; nothing is timed then. */
const WEIGHING_BUDGET_MS = 10;

await serveFlier<{ name: string; module: string }>(async ({ name, module }) => {
  const exported = (await import(module)) as Readonly<Record<string, InProcessContender>>;
  const contender = Object.values(exported).find((one) => one.name === name);
  if (contender === undefined) throw new RangeError(`${module} has no contender called ${name}.`);
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("Needs --expose-gc.");
  let present: { readonly shape: BatchShape; readonly batches: Batches } | undefined;
  const batchesOf = async (shape: BatchShape, budgetMs: number): Promise<Batches> => {
    if (present !== undefined && isDeepStrictEqual(present.shape, shape)) return present.batches;
    // Whatever the shape before holds on to must not burden the garbage collector any more.
    present = { shape, batches: new Batches(contender, shape) };
    await runFor(present.batches, budgetMs * WARM_UP);
    return present.batches;
  };

  return {
    /** Runs without being timed, until the compiler must be done with what all shapes have in common. */
    settleIn: async (shape: BatchShape, forMs: number): Promise<void> => {
      await runFor(await batchesOf(shape, 0), forMs);
    },

    /** Nanoseconds of the main thread per call; at least one batch, whatever it takes. */
    time: async (shape: BatchShape, budgetMs: number): Promise<number> => {
      const batches = await batchesOf(shape, budgetMs);
      // No collection is forced here: with nothing in flight it would discard compiled code, and its renewal be timed.
      return runFor(batches, budgetMs);
    },

    /** What a flight under way holds on to, in bytes, its callers' promises and the load's own included. */
    weigh: async (shape: BatchShape): Promise<number> => {
      const batches = await batchesOf(shape, WEIGHING_BUDGET_MS);
      collect();
      const before = process.memoryUsage().heapUsed;
      const { promises, land } = batches.takeOff();
      collect();
      const held = process.memoryUsage().heapUsed - before;
      land();
      await Promise.all(promises);
      return held / shape.keys;
    },
  };
});

/** Processor time, not time of day: other programs of the machine take turns with this one. */
async function runFor(batches: Batches, budgetMs: number): Promise<number> {
  let runs = 0;
  const endsAt = performance.now() + budgetMs;
  const before = process.threadCpuUsage();
  do {
    await batches.run();
    runs++;
  } while (performance.now() < endsAt);
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * 1_000) / (runs * batches.calls);
}
