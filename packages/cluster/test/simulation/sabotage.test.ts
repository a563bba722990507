/** The simulation can fail: against servers that break one promise each it does, and says which invariant was broken. */
import { describe, expect, it } from "vitest";
import { SABOTAGES } from "./sabotage.ts";
import { play } from "./simulation.ts";

/** Within so many seeds each of them has to be found out. */
const SEEDS = 60;

describe("the simulation", () => {
  for (const { what, makeFlight, breaks } of SABOTAGES) {
    it(`finds out a server that ${what}`, async () => {
      let found: string | undefined;
      for (let seed = 1; seed <= SEEDS && found === undefined; seed++) {
        const { violations } = await play(seed, makeFlight);
        found = violations.find((violation) => breaks.test(violation));
      }
      expect(found).toMatch(breaks);
    }, 60_000);
  }
});
