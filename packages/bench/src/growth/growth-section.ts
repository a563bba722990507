/**
 * What a flight of the fleet costs as keys, callers, instances and outcomes grow, in processor time of the client and of Redis,
 * and what it weighs. Everything else stays: no renewals, polls or takeovers come in between.
 */
import { Flier, RedisServer } from "@skein/testkit";
import { bar, formatFigure } from "../report/bar.ts";
import type { Findings, Pace, Plot, Section, Table } from "../report/section.ts";
import { spreadOf } from "../sample.ts";
import type { Cost, Weight } from "./growth-process.ts";
import { scriptBeside } from "../script.ts";

interface Effort {
  readonly rounds: number;
  readonly budgetMs: number;
  readonly keys: readonly number[];
  readonly callers: readonly number[];
  readonly instances: readonly number[];
  readonly bytes: readonly number[];
}

const EFFORT: Record<Pace, Effort> = {
  tiny: { rounds: 1, budgetMs: 1, keys: [10, 20], callers: [1], instances: [1, 2], bytes: [10] },
  quick: {
    rounds: 1,
    budgetMs: 120,
    keys: [10, 1_000, 10_000],
    callers: [1, 100, 10_000],
    instances: [1, 4, 16],
    bytes: [10, 10_000, 100_000],
  },
  full: {
    rounds: 7,
    budgetMs: 700,
    keys: [10, 100, 1_000, 10_000, 100_000],
    callers: [1, 10, 100, 1_000, 10_000],
    instances: [1, 2, 4, 8, 16, 32, 64],
    bytes: [10, 100, 1_000, 10_000, 16_000, 20_000, 100_000, 1_000_000],
  },
};
const RENEWED_FLIGHTS = 500;
const RENEWAL_WINDOW_MS = 1_000;
const WEIGHED_FLIGHTS = 2_000;
const PLAIN_KEYS = 1_000;
const SCRIPT = scriptBeside("growth-process", import.meta.url);

const client = ({ clientUs }: Cost): number => clientUs;
const redis = ({ redisUs }: Cost): number => redisUs;
const total = (cost: Cost): number => client(cost) + redis(cost);

type TimedCost = Cost & { readonly lastMs?: number };

/** One thing that grows; the cost at each of its sizes, one per round. */
interface Growth {
  readonly what: "keys" | "callers" | "instances" | "bytes";
  readonly costs: ReadonlyMap<number, readonly TimedCost[]>;
}

interface Parts {
  readonly plain: readonly Cost[];
  readonly renewalUs: readonly number[];
  readonly weight: { readonly led: Weight; readonly retainedRedisBytes: number };
}

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
    progress("plain commands, renewals, weight");
    const plain: Cost[] = [];
    const renewalUs: number[] = [];
    for (let round = 0; round < effort.rounds; round++) {
      plain.push(await flier.call<Cost>("plain", PLAIN_KEYS, effort.budgetMs));
      renewalUs.push(await flier.call<number>("renewal", RENEWED_FLIGHTS, RENEWAL_WINDOW_MS));
    }
    const weight = await flier.call<Parts["weight"]>("weigh", WEIGHED_FLIGHTS);
    return findings(growths, { plain, renewalUs, weight });
  },
};

function findings(growths: readonly Growth[], parts: Parts): Findings {
  const keys = growths.find(({ what }) => what === "keys");
  const sizes = [...(keys?.costs.keys() ?? [])];
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
  const growth = median(keys, most, total) / median(keys, fewest, total);
  return {
    tables: [
      ...growths.map(growthTable),
      partsTable(
        keys,
        growths.find(({ what }) => what === "instances"),
        parts,
      ),
      weightTable(parts),
    ],
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
    },
  };
}

const TITLES: Record<Growth["what"], string> = {
  keys: "Keys: so many flights at once, led by one process; per flight",
  callers: "Callers: so many of one flight, in the process that leads it; per flight",
  instances: "Instances: so many take part in one flight; per instance",
  bytes: "Outcome: so many bytes to one follower; per flight",
};

function growthTable({ what, costs }: Growth): Table {
  const sizes = [...costs.keys()];
  const [smallest] = sizes;
  const growth: Growth = { what, costs };
  const beside = (of: (cost: TimedCost) => number) => (size: number) =>
    formatFigure(median(growth, size, of) / median(growth, smallest ?? size, of));
  const rows = [
    ["client", ...sizes.map(beside(client))],
    ["Redis", ...sizes.map(beside(redis))],
  ];
  const timed = what === "instances" || what === "bytes";
  const first = sizes.find((size) => what !== "instances" || size > 1) ?? 1;
  if (timed) {
    const last = (size: number): number => median(growth, size, ({ lastMs }) => lastMs ?? Number.NaN);
    rows.push([
      "last answer after the end of the work",
      ...sizes.map((size) => (size < first ? "" : formatFigure(last(size) / last(first)))),
    ]);
  }
  return {
    title: TITLES[what],
    note: `Processor time, as a multiple of that at the smallest size; medians.${timed ? " The last answer is a matter of time." : ""}`,
    columns: ["", ...sizes.map(String)],
    rows,
  };
}

function growthPlot({ what, costs }: Growth): Plot {
  const growth: Growth = { what, costs };
  const sizes = [...costs.keys()];
  const line = (name: string, of: (cost: TimedCost) => number): Plot["lines"][number] => ({
    name,
    points: sizes.map(
      (size) => [size, median(growth, size, of) / median(growth, sizes[0] ?? size, of)] as const,
    ),
  });
  return {
    name: `growth-${what}`,
    title: TITLES[what],
    xAxis: what,
    yAxis: "multiple of the smallest size",
    lines: [line("client", client), line("Redis", redis)],
  };
}

/** What the parts of a flight cost beside the GET and SETEX of a cache, for sums on paper. */
function partsTable(keys: Growth | undefined, instances: Growth | undefined, parts: Parts): Table {
  const busiest = Math.max(...(keys?.costs.keys() ?? []));
  const widest = Math.max(...(instances?.costs.keys() ?? []));
  const plain = (of: (cost: Cost) => number): number => spreadOf(parts.plain.map(of)).median;
  const renewal = spreadOf(parts.renewalUs).median;
  const rows: [string, number, number | undefined][] = [
    [
      `a flight that is led, ${busiest} at once`,
      median(keys, busiest, redis) / plain(redis),
      median(keys, busiest, client) / plain(client),
    ],
    [
      `an instance in a flight of ${widest}`,
      median(instances, widest, redis) / plain(redis),
      median(instances, widest, client) / plain(client),
    ],
    ["a renewal, in batches", renewal / plain(redis), undefined],
  ];
  return {
    title: "Parts of a flight",
    note: `Processor time as a multiple of a GET and a SETEX, pipelined with others of their kind; medians. One core of Redis takes ${Math.round(1_000_000 / plain(redis))} of these per second here.`,
    columns: ["", "Redis", "client"],
    rows: rows.map(([name, ofRedis, ofClient]) => [
      name,
      formatFigure(ofRedis),
      ofClient === undefined ? "" : formatFigure(ofClient),
    ]),
  };
}

function weightTable({ weight: { led, retainedRedisBytes } }: Parts): Table {
  return {
    title: "Weight of a flight",
    note: `Bytes, ${WEIGHED_FLIGHTS} flights with an outcome of 200 bytes; in Redis by MEMORY USAGE of its keys, its tables of keys left out.`,
    columns: ["", "heap of the leader", "Redis"],
    rows: [
      ["under way", led.heapBytes.toFixed(0), led.redisBytes.toFixed(0)],
      ["retained, for retainMs", "", retainedRedisBytes.toFixed(0)],
    ],
  };
}

function median(growth: Growth | undefined, size: number, of: (cost: TimedCost) => number): number {
  const costs = growth?.costs.get(size);
  if (costs === undefined || costs.length === 0) throw new Error(`Nothing was measured at ${size}.`);
  return spreadOf(costs.map(of)).median;
}
