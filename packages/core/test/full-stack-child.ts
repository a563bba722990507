/**
 * Work that asks for key after key until the stack is full, from many depths, so that it is full at every possible line.
 * Prints how many of these recursions overflowed, and how many flights were left that a later caller would wait for.
 */
import { Singleflight } from "../src/index.ts";

// A stack that is full may also keep Node from noticing that a rejection is handled; that is not what is tested here.
process.on("unhandledRejection", () => {});

let recursions = 0;
let overflows = 0;
let stuck = 0;
for (let depth = 0; depth < 60; depth++) {
  for (const options of [undefined, { timeoutMs: 100 }]) {
    for (const detectReentry of [true, false]) {
      const flights = new Singleflight({ detectReentry, maxEntries: 1_000_000 });
      const ask = (index: number): Promise<unknown> => {
        if (index > 100_000) throw new Error("the stack does not fill: work was not called at once");
        return flights.do(`key:${index}`, () => ask(index + 1), options);
      };
      const deeper = (left: number): Promise<unknown> => (left === 0 ? ask(0) : deeper(left - 1));
      recursions++;
      await deeper(depth).catch((error: unknown) => {
        if (error instanceof RangeError) overflows++;
      });
      await new Promise((resolve) => setImmediate(resolve));
      stuck += flights.size;
    }
  }
}
process.stdout.write(JSON.stringify({ recursions, overflows, stuck }));
