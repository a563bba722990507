/**
 * What a flight of the fleet costs as keys, callers, instances and outcomes grow, in processor time of the client and of Redis,
 * and what it weighs. Everything else stays: no renewals, polls or takeovers come in between.
 */
import { Flier, RedisServer } from "@skein/testkit";
import { bar } from "../report/bar.ts";
import type { Findings, Pace, Section } from "../report/section.ts";
import { scriptBeside } from "../script.ts";
import { costIn, growthPlot, growthTable, total, type Growth, type TimedCost } from "./growth.ts";
import type { Cost, Load, ScriptCosts, Weight } from "./growth-process.ts";
import { partsTable, type Parts } from "./parts-table.ts";
import { weightTable } from "./weight-table.ts";

interface Effort {
  readonly rounds: number;
  readonly budgetMs: number;
  readonly keys: readonly number[];
  readonly callers: readonly number[];
  readonly instances: readonly number[];
  readonly bytes: readonly number[];
  readonly weighed: readonly Load[];
}

const EFFORT: Record<Pace, Effort> = {
  tiny: {
    rounds: 1,
    budgetMs: 1,
    keys: [10, 20],
    callers: [1],
    instances: [1, 2],
    bytes: [10],
    weighed: [{ flights: 10, callers: 1, bytes: 10 }],
  },
  quick: {
    rounds: 1,
    budgetMs: 120,
    keys: [10, 1_000, 10_000],
    callers: [1, 100, 10_000],
    instances: [1, 4, 16],
    bytes: [10, 10_000, 100_000],
    weighed: [{ flights: 2_000, callers: 1, bytes: 200 }],
  },
  full: {
    rounds: 7,
    budgetMs: 700,
    keys: [10, 100, 1_000, 10_000, 100_000],
    callers: [1, 10, 100, 1_000, 10_000],
    instances: [1, 2, 4, 8, 16, 32, 64],
    bytes: [10, 100, 1_000, 10_000, 16_000, 20_000, 100_000, 1_000_000],
    weighed: [
      ...[1_000, 10_000, 100_000].map((flights) => ({ flights, callers: 1, bytes: 200 })),
      ...[10, 100].map((callers) => ({ flights: 1_000, callers, bytes: 200 })),
      ...[10, 10_000, 1_000_000].map((bytes) => ({ flights: 100, callers: 1, bytes })),
    ],
  },
};
const PLAIN_KEYS = 1_000;
/** Enough that what Redis spends between two of them does not count. */
const SCRIPT_FLIGHTS = 500;
const WINDOW_MS: Record<Pace, number> = { tiny: 400, quick: 1_000, full: 1_000 };
const SCRIPT = scriptBeside("growth-process", import.meta.url);

export const growthSection: Section = {
  name: "growth",
  title: "Growth",
  async run(pace, progress) {
    const effort = EFFORT[pace];
    await using server = await RedisServer.start();
    await using flier = await Flier.start(SCRIPT, { url: server.url }, { execArgv: ["--expose-gc"] });
    const growths: Growth[] = [];
    for (const what of ["keys", "callers", "instances", "bytes"] as const) {
      const costs = new Map<number, TimedCost[]>(effort[what].map((size) => [size, []]));
      // Sizes take turns; the first turn, in which everything is cold, does not count.
      for (let round = 0; round <= effort.rounds; round++) {
        for (const size of effort[what]) {
          progress(`${what} ${size}, round ${round}`);
          const cost = await flier.call<TimedCost>(what, size, effort.budgetMs);
          if (round > 0) costs.get(size)?.push(cost);
        }
      }
      growths.push({ what, costs });
    }
    const parts: Parts = { plain: [], scripts: [], renewalUs: [], pollUs: [] };
    for (let round = 0; round < effort.rounds; round++) {
      progress(`scripts, round ${round}`);
      parts.plain.push(await flier.call<Cost>("plain", PLAIN_KEYS, effort.budgetMs));
      parts.scripts.push(await flier.call<ScriptCosts>("scripts", SCRIPT_FLIGHTS));
      parts.renewalUs.push(await flier.call<number>("renewal", SCRIPT_FLIGHTS, WINDOW_MS[pace]));
      parts.pollUs.push(await flier.call<number>("poll", SCRIPT_FLIGHTS, WINDOW_MS[pace]));
    }
    const weights: [Load, Weight][] = [];
    for (const load of effort.weighed) {
      progress(`weight of ${load.flights} flights`);
      weights.push([load, await flier.call<Weight>("weigh", load)]);
    }
    return findings(growths, parts, weights);
  },
};

function findings(
  growths: readonly Growth[],
  parts: Parts,
  weights: readonly (readonly [Load, Weight])[],
): Findings {
  const [keys, , instances] = growths;
  if (keys === undefined || instances === undefined) throw new Error("Nothing was measured.");
  const sizes = [...keys.costs.keys()];
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
  const growth = costIn(keys, most, total) / costIn(keys, fewest, total);
  return {
    tables: [...growths.map(growthTable), partsTable(keys, instances, parts), weightTable(weights)],
    plots: growths.map(growthPlot),
    bars: [
      bar(
        `cost per cluster flight at ${most} keys beside ${fewest} keys, client and Redis together`,
        growth,
        { atMost: 1.5 },
      ),
    ],
    figures: {
      growths: growths.map(({ what, costs }) => ({ what, costs: Object.fromEntries(costs) })),
      parts,
      weights,
    },
  };
}
