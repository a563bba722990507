/**
 * Coalescing inside one process: what a call costs beside the bare Map, and what a flight under way weighs. Every contender
 * executes the same load for the same keys; a load ends with the next turn of the event loop.
 */
import { bar, formatFigure, reported, type Bar } from "../report/bar.ts";
import type { Findings, Pace, Plot, Section, Table } from "../report/section.ts";
import { percentile, ratios, spreadOf } from "../sample.ts";
import type { BatchShape } from "./batch.ts";
import { CONTENDERS } from "./contenders.ts";
import { bareMap } from "./contenders/bare-map.ts";
import { mapWithSignal } from "./contenders/map-with-signal.ts";
import { publishedClass } from "./contenders/published-class.ts";
import { skeinChecked, skeinUnchecked } from "./contenders/skein-core.ts";
import { Contest, type Rounds } from "./contest.ts";

interface Effort {
  /** How often all contenders get new processes: some are luckier than others, by a tenth. */
  readonly generations: number;
  /** In each generation. */
  readonly rounds: number;
  readonly budgetMs: number;
  readonly settleInMs: number;
  readonly keyCounts: readonly number[];
  readonly weighed: readonly BatchShape[];
}

const EFFORT: Record<Pace, Effort> = {
  tiny: {
    generations: 2,
    rounds: 1,
    budgetMs: 1,
    settleInMs: 1,
    keyCounts: [10],
    weighed: [{ keys: 100, callers: 1 }],
  },
  quick: {
    generations: 1,
    rounds: 5,
    budgetMs: 50,
    settleInMs: 1_000,
    keyCounts: [1, 1_000, 10_000],
    weighed: [{ keys: 10_000, callers: 1 }],
  },
  full: {
    generations: 5,
    rounds: 5,
    budgetMs: 80,
    settleInMs: 3_000,
    keyCounts: [1, 10, 100, 1_000, 10_000, 100_000],
    weighed: [
      { keys: 10_000, callers: 1 },
      { keys: 1_000, callers: 100 },
    ],
  },
};
/** At 10^5 keys one batch takes a tenth of a second and more; a few of them tell enough. */
const ROUNDS_OF_GROWTH = 3;
const KEYS_AT_ONCE = 100;
const CALLER_COUNTS = [1, 10, 100] as const;
const TIME_NOTE =
  "Processor time of the main thread per call, as a multiple of the bare Map's in the same round: median, quartiles in parentheses. Below 1 is faster. The load itself and the promises of its callers are in all of them.";

export const inProcessSection: Section = {
  name: "in-process",
  title: "In one process",
  async run(pace, progress) {
    const { generations, rounds, budgetMs, settleInMs, keyCounts, weighed } = EFFORT[pace];
    const open = (): Promise<Contest> => Contest.open({ keys: KEYS_AT_ONCE, callers: 1 }, settleInMs);
    const timed: Record<number, Rounds> = {};
    let fresh: Rounds = new Map();
    for (let generation = 1; generation <= generations; generation++) {
      progress(`generation ${generation} of ${generations} runs in`);
      await using contest = await open();
      for (const callers of CALLER_COUNTS) {
        progress(`${callers} callers per flight`);
        const times = await contest.time({ keys: KEYS_AT_ONCE, callers }, rounds, budgetMs);
        timed[callers] = joined(timed[callers], times);
      }
      progress("keys that never come again");
      const shape = { keys: KEYS_AT_ONCE, callers: 1, fresh: true };
      fresh = joined(fresh, await contest.time(shape, rounds, budgetMs));
    }
    await using contest = await open();
    const grown: Record<number, Rounds> = {};
    for (const keys of keyCounts) {
      progress(`${keys} keys at once`);
      grown[keys] = await contest.time({ keys, callers: 1 }, Math.min(rounds, ROUNDS_OF_GROWTH), budgetMs);
    }
    const weights: { shape: BatchShape; rounds: Rounds }[] = [];
    for (const shape of weighed) {
      progress(`weight of ${shape.keys} flights with ${shape.callers} callers`);
      weights.push({ shape, rounds: await contest.weigh(shape, Math.min(rounds, ROUNDS_OF_GROWTH)) });
    }
    return findings(timed, fresh, grown, weights);
  },
};

/** The rounds of one more generation behind those before it. */
function joined(before: Rounds | undefined, more: Rounds): Rounds {
  return new Map([...more].map(([name, values]) => [name, [...(before?.get(name) ?? []), ...values]]));
}

function findings(
  timed: Record<number, Rounds>,
  fresh: Rounds,
  grown: Record<number, Rounds>,
  weights: readonly { shape: BatchShape; rounds: Rounds }[],
): Findings {
  const timeTable: Table = {
    title: `Time per call, ${KEYS_AT_ONCE} keys at once`,
    note: TIME_NOTE,
    columns: [
      "",
      "configuration",
      ...CALLER_COUNTS.map((callers) => `${callers} callers per flight`),
      "1 caller, keys that never come again",
    ],
    rows: CONTENDERS.map(({ name, configuration }) => [
      name,
      configuration,
      ...CALLER_COUNTS.map((callers) => formatRatio(of(timed[callers], name), reference(timed[callers]))),
      formatRatio(of(fresh, name), reference(fresh)),
    ]),
  };
  const keyCounts = Object.keys(grown).map(Number);
  const growthTable: Table = {
    title: "Time per call as keys grow, 1 caller per flight",
    note: TIME_NOTE,
    columns: ["", ...keyCounts.map((keys) => `${keys} keys`)],
    rows: CONTENDERS.map(({ name }) => [
      name,
      ...keyCounts.map((keys) => formatRatio(of(grown[keys], name), reference(grown[keys]))),
    ]),
  };
  const weightTable: Table = {
    title: "Weight of a flight under way",
    note: "Bytes of heap per flight, with what the load and the callers' promises weigh themselves, as a multiple of the bare Map's.",
    columns: ["", ...weights.map(({ shape }) => `${shape.callers} callers per flight`)],
    rows: CONTENDERS.map(({ name }) => [
      name,
      ...weights.map(({ rounds }) => formatRatio(of(rounds, name), reference(rounds))),
    ]),
  };
  const plot: Plot = {
    name: "in-process-keys",
    title: "Time per call beside the bare Map, 1 caller per flight",
    xAxis: "keys at once",
    yAxis: "multiple of the bare Map",
    lines: CONTENDERS.map(({ name }) => ({
      name,
      points: keyCounts.map(
        (keys) => [keys, spreadOf(ratios(of(grown[keys], name), reference(grown[keys]))).median] as const,
      ),
    })),
  };
  return {
    tables: [timeTable, growthTable, weightTable],
    plots: [plot],
    bars: barsOf(timed),
    figures: {
      nsPerCall: Object.fromEntries(
        Object.entries(timed).map(([id, each]) => [id, Object.fromEntries(each)]),
      ),
      nsPerCallOfFreshKeys: Object.fromEntries(fresh),
      nsPerCallByKeys: Object.fromEntries(
        Object.entries(grown).map(([id, each]) => [id, Object.fromEntries(each)]),
      ),
      bytesPerFlight: weights.map(({ shape, rounds }) => ({ ...shape, bytes: Object.fromEntries(rounds) })),
    },
  };
}

function barsOf(timed: Record<number, Rounds>): Bar[] {
  const [single, crowd] = [timed[1], timed[100]];
  const unchecked = skeinUnchecked.name;
  const references = new Set<string>([bareMap.name, mapWithSignal.name]);
  const peers = CONTENDERS.filter(({ name }) => !references.has(name) && !name.startsWith("skein"));
  const fastest = peers.toSorted(
    (a, b) => percentile(of(crowd, a.name), 0.5) - percentile(of(crowd, b.name), 0.5),
  )[0];
  const fastestName = fastest?.name ?? publishedClass.name;
  return [
    judged(
      "1 caller per flight, check off: speed beside the bare Map",
      beside(single, unchecked, bareMap.name),
      {
        atLeast: 0.9,
      },
    ),
    reported(
      "core, 1 caller per flight, check off: speed beside the bare Map with a signal",
      ...beside(single, unchecked, mapWithSignal.name),
    ),
    judged(
      "1 caller per flight, check off: speed beside the published class",
      beside(single, unchecked, publishedClass.name),
      { atLeast: 1.1 },
    ),
    judged(
      "100 callers per flight, check off: speed beside the published class",
      beside(crowd, unchecked, publishedClass.name),
      { atLeast: 1.2 },
    ),
    judged(
      `100 callers per flight, check off: speed beside the fastest peer (${fastestName})`,
      beside(crowd, unchecked, fastestName),
      { atLeast: 0.9 },
    ),
    reported(
      "core, 1 caller per flight, check on: speed beside the bare Map",
      ...beside(single, skeinChecked.name, bareMap.name),
    ),
  ];
}

/** How many times as many calls per second, and how that varies. */
function beside(rounds: Rounds | undefined, name: string, than: string): [figure: number, spread: string] {
  const { median, low, high } = spreadOf(ratios(of(rounds, than), of(rounds, name)));
  return [median, `quartiles ${formatFigure(low)} and ${formatFigure(high)}`];
}

function judged(claim: string, [figure, spread]: [number, string], bound: { readonly atLeast: number }): Bar {
  return bar(`core, ${claim}`, figure, bound, spread);
}

function of(rounds: Rounds | undefined, name: string): readonly number[] {
  return rounds?.get(name) ?? [];
}

function reference(rounds: Rounds | undefined): readonly number[] {
  return of(rounds, bareMap.name);
}

function formatRatio(values: readonly number[], references: readonly number[]): string {
  const { median, low, high } = spreadOf(ratios(values, references));
  return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}
