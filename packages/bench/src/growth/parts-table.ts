/** What the parts of a flight cost beside the GET and SETEX of a cache, for sums on paper. */
import { formatFigure } from "../report/bar.ts";
import type { Table } from "../report/section.ts";
import { spreadOf } from "../sample.ts";
import { client, costIn, redis, type Growth } from "./growth.ts";
import type { Cost, ScriptCosts } from "./growth-process.ts";

/** One of each per round. */
export interface Parts {
  readonly plain: Cost[];
  readonly scripts: ScriptCosts[];
  readonly renewalUs: number[];
  readonly pollUs: number[];
}

export function partsTable(keys: Growth, instances: Growth, parts: Parts): Table {
  const busiest = Math.max(...keys.costs.keys());
  const widest = Math.max(...instances.costs.keys());
  const plainRedis = spreadOf(parts.plain.map(redis)).median;
  const plainClient = spreadOf(parts.plain.map(client)).median;
  // Beside the unit of the same round: the machine was the same for both.
  const script = (name: string, us: readonly number[]): string[] => {
    const { median, low, high } = spreadOf(
      us.map((each, round) => each / (parts.plain[round]?.redisUs ?? 0)),
    );
    return [name, `${formatFigure(median)} (${formatFigure(low)}-${formatFigure(high)})`, ""];
  };
  const whole = (name: string, growth: Growth, size: number): string[] => [
    name,
    formatFigure(costIn(growth, size, redis) / plainRedis),
    formatFigure(costIn(growth, size, client) / plainClient),
  ];
  const { scripts, renewalUs, pollUs } = parts;
  return {
    title: "Parts of a flight",
    note: `Processor time as a multiple of a GET and a SETEX, pipelined with others of their kind; medians, and quartiles of the scripts. One core of Redis takes ${Math.round(1_000_000 / plainRedis)} of these per second here.`,
    columns: ["", "Redis", "client"],
    rows: [
      whole(`a flight that is led and settled, ${busiest} at once`, keys, busiest),
      whole(`an instance in a flight of ${widest}`, instances, widest),
      script(
        "script: a join that leads",
        scripts.map(({ leaderJoinUs }) => leaderJoinUs),
      ),
      script(
        "script: a join that follows",
        scripts.map(({ followerJoinUs }) => followerJoinUs),
      ),
      script(
        "script: a settlement that wakes one process",
        scripts.map(({ settleUs }) => settleUs),
      ),
      script("script: a renewal", renewalUs),
      script("script: a look of one who waits", pollUs),
    ],
  };
}
