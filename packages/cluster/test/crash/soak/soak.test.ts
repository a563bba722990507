// A minute of load and random faults, always the same in the same order; SKEIN_SEED brings others. For as long as wanted:
// scripts/soak.

import { expect, test } from "vitest";
import { soak } from "./soak.ts";

const SECONDS = 60;
const SEED = process.env["SKEIN_SEED"] ?? "soak";

test(
  `under ${SECONDS} s of load and random faults (seed ${SEED}) no call is lost, no overlap unexplained, and nothing is left`,
  { timeout: 240_000 },
  async () => {
    const faults: string[] = [];
    try {
      const { calls, answered, orphaned } = await soak(SECONDS, SEED, (fault) => void faults.push(fault));
      expect(calls).toBeGreaterThan(0);
      expect(answered + orphaned).toBe(calls);
    } catch (error) {
      throw new Error(`seed ${SEED}, after ${faults.join(", ")}: ${String(error)}`, { cause: error });
    }
  },
);
