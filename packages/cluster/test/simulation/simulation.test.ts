/**
 * Seeded runs of the protocol as built. A failure prints its seed; such a seed is kept below as a test of its own.
 * SKEIN_SEEDS sets how many are played, SKEIN_SEED plays one.
 */
import { describe, expect, it } from "vitest";
import type { Transport } from "../../src/coordinator.ts";
import { Simulation } from "./simulation.ts";

const SEEDS = Number(process.env["SKEIN_SEEDS"] ?? 300);
const ONLY = process.env["SKEIN_SEED"];

/** Seeds that found a defect, and what was wrong. */
const DEFECTS: readonly (readonly [seed: number, what: string])[] = [
  [35, "ends an uncoordinated run that hangs, although nobody calls again"],
];

async function play(
  seed: number | string,
  faulty: boolean,
  transports: readonly Transport[] = ["p"],
): Promise<string[]> {
  const shape = Number(seed) % 3;
  const simulation = new Simulation({
    seed,
    processes: 2 + shape * 2,
    calls: 60,
    keys: 1 + shape * 3,
    faulty,
    transports,
  });
  return (await simulation.run()).map((violation) => `seed ${seed}: ${violation}`);
}

async function playAll(faulty: boolean, transports?: readonly Transport[]): Promise<string[]> {
  if (ONLY !== undefined) return play(ONLY, faulty, transports);
  const found: string[] = [];
  for (let seed = 1; seed <= SEEDS && found.length === 0; seed++) {
    found.push(...(await play(seed, faulty, transports)));
  }
  return found;
}

describe("a simulated fleet", () => {
  it("without faults never runs a key twice at once, and answers everybody with what they may have", async () => {
    expect(await playAll(false)).toEqual([]);
  }, 300_000);

  it("with faults explains every overlap, answers everybody, and comes to rest", async () => {
    expect(await playAll(true)).toEqual([]);
  }, 300_000);

  it("woken by lists does so as well", async () => {
    expect(await playAll(true, ["l"])).toEqual([]);
  }, 300_000);

  it("woken in both ways does so as well", async () => {
    expect(await playAll(true, ["p", "l"])).toEqual([]);
  }, 300_000);

  for (const [seed, what] of DEFECTS) {
    it(`${what} (seed ${seed})`, async () => {
      expect(await play(seed, true)).toEqual([]);
    });
  }

  it("plays the same seed the same way", async () => {
    const record = async (): Promise<string> => {
      const simulation = new Simulation({ seed: 7, processes: 4, calls: 60, keys: 2, faulty: true });
      await simulation.run();
      // Calls are numbered through the whole process, so their numbers go on from one run to the next.
      return JSON.stringify(simulation.history, (name, value: unknown) =>
        name === "callId" ? undefined : value,
      );
    };
    expect(await record()).toBe(await record());
  });
});
