// The contenders across processes do what they are measured for. What it takes them is no claim of a test.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FLEET_CONTENDERS } from "../src/fleet/contenders.ts";
import { inProcessOnly } from "../src/fleet/contenders/in-process-only.ts";
import { nothing } from "../src/fleet/contenders/nothing.ts";
import { skeinCache, skeinFlights } from "../src/fleet/contenders/skein.ts";
import { Fleet, type Round } from "../src/fleet/fleet.ts";

const PROCESSES = 2;
const CALLERS = 4;
const KEYS = ["k:a", "k:b"];
const WORK_MS = 1_500;
let fleet: Fleet;
/** All of them at once: they have nothing in common but the processes. */
let rounds: ReadonlyMap<string, Round>;

beforeAll(async () => {
  fleet = await Fleet.start(PROCESSES);
  rounds = new Map(
    await Promise.all(
      FLEET_CONTENDERS.map(async ({ name }) => {
        const plan = { contender: name, keys: KEYS, callers: CALLERS, workMs: WORK_MS };
        return [name, await fleet.strike(plan)] as const;
      }),
    ),
  );
});
afterAll(() => fleet[Symbol.asyncDispose]());

describe.each(FLEET_CONTENDERS)("$name", (contender) => {
  it("answers every caller with what was executed, as often as it is meant to", () => {
    const round = rounds.get(contender.name);
    expect(round?.failures).toBe(0);
    expect(round?.latenciesMs).toHaveLength(PROCESSES * CALLERS);
    const callsPerKey = (PROCESSES * CALLERS) / KEYS.length;
    const perKey = contender === nothing ? callsPerKey : contender === inProcessOnly ? PROCESSES : 1;
    expect(round?.executions).toBeGreaterThanOrEqual(perKey * KEYS.length);
    // A peer that looks first and locks then may execute once more: who looked in vain locks when all is over.
    const isExact = perKey > 1 || contender === skeinFlights || contender === skeinCache;
    expect(round?.executions).toBeLessThanOrEqual((isExact ? perKey : PROCESSES) * KEYS.length);
  });
});

it("what clients send is counted: a join of each process, and a settle", async () => {
  const plan = { contender: skeinFlights.name, keys: ["k:c"], callers: CALLERS, workMs: 300 };
  const sent = await fleet.countCommands(plan);
  expect(sent).toBeGreaterThanOrEqual(PROCESSES + 1);
  expect(sent).toBeLessThan(50);
});
