/**
 * Many processes, many callers, the same keys at the same moment: how often the work is executed, how long callers wait, what
 * their clients send and what Redis spends. Work never takes a multiple of the interval at which contenders poll, except
 * where the bar says 100 ms; polls have jitter there.
 */
import { SeededRandom } from "@skein/testkit";
import { bar, formatFigure, type Bar } from "../report/bar.ts";
import type { Pace, Section, Table } from "../report/section.ts";
import { percentile, spreadOf } from "../sample.ts";
import { FLEET_CONTENDERS } from "./contenders.ts";
import { polling, pollingBehindMap } from "./contenders/polling.ts";
import { redlock, redlockBehindMap } from "./contenders/redlock.ts";
import { skeinFlights } from "./contenders/skein.ts";
import { Fleet, type Round } from "./fleet.ts";

interface Scenario {
  readonly processes: number;
  readonly callers: number;
  readonly keys: number;
  readonly workMs: number;
}

/** The first one is what the bars are about. */
const SCENARIOS: Record<Pace, { readonly rounds: number; readonly scenarios: readonly Scenario[] }> = {
  tiny: { rounds: 1, scenarios: [{ processes: 2, callers: 5, keys: 1, workMs: 120 }] },
  quick: { rounds: 4, scenarios: [{ processes: 4, callers: 250, keys: 1, workMs: 100 }] },
  full: {
    rounds: 9,
    scenarios: [
      { processes: 4, callers: 250, keys: 1, workMs: 100 },
      { processes: 4, callers: 250, keys: 1, workMs: 33 },
      { processes: 2, callers: 20, keys: 10, workMs: 13 },
      { processes: 8, callers: 1_000, keys: 50, workMs: 120 },
      { processes: 16, callers: 60, keys: 20, workMs: 270 },
    ],
  },
};
/** What is sent varies by a retry or a sample; it is counted apart from the rounds that are timed. */
const COUNTED_ROUNDS = 3;

interface Measured {
  readonly rounds: readonly Round[];
  readonly commands: readonly number[];
}

type Results = ReadonlyMap<string, Measured>;

export const stampedeSection: Section = {
  name: "stampede",
  title: "Across processes: a stampede",
  async run(pace, progress) {
    const { rounds, scenarios } = SCENARIOS[pace];
    const results: { scenario: Scenario; results: Results }[] = [];
    for (const scenario of scenarios) {
      progress(describe(scenario));
      results.push({ scenario, results: await play(scenario, rounds) });
    }
    const [first] = results;
    if (first === undefined) throw new Error("There is no scenario.");
    const figures = results.map(({ scenario, results: each }) => ({
      scenario,
      contenders: Object.fromEntries([...each].map(([name, measured]) => [name, figuresOf(measured)])),
    }));
    return {
      tables: results.map(({ scenario, results: each }) => tableOf(scenario, each)),
      plots: [],
      bars: barsOf(first.scenario, first.results),
      figures,
    };
  },
};

async function play(scenario: Scenario, rounds: number): Promise<Results> {
  await using fleet = await Fleet.start(scenario.processes);
  const random = new SeededRandom(describe(scenario));
  const { callers, workMs } = scenario;
  const results = new Map<string, { rounds: Round[]; commands: number[] }>();
  for (const { name } of FLEET_CONTENDERS) results.set(name, { rounds: [], commands: [] });
  const inTurns = async (
    turns: number,
    what: string,
    one: (contender: string, keys: string[]) => Promise<void>,
  ): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      const keys = Array.from({ length: scenario.keys }, (_, index) => `k:${what}:${turn}:${index}`);
      // In another order every time: nobody always inherits the garbage of the same one.
      for (const { name } of random.shuffled(FLEET_CONTENDERS)) await one(name, keys);
    }
  };
  // In the first round everything is cold; it does not count.
  await inTurns(1, "cold", async (contender, keys) => {
    await fleet.strike({ contender, keys, callers, workMs });
  });
  await inTurns(rounds, "timed", async (contender, keys) => {
    results.get(contender)?.rounds.push(await fleet.strike({ contender, keys, callers, workMs }));
  });
  await inTurns(COUNTED_ROUNDS, "counted", async (contender, keys) => {
    results.get(contender)?.commands.push(await fleet.countCommands({ contender, keys, callers, workMs }));
  });
  return results;
}

interface Figures {
  readonly executions: number;
  readonly maxExecutions: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly commands: number;
  readonly redisMs: number;
}

function figuresOf({ rounds, commands }: Measured): Figures {
  const middle = (of: (round: Round) => number): number => spreadOf(rounds.map(of)).median;
  return {
    executions: middle((round) => round.executions),
    maxExecutions: Math.max(...rounds.map((round) => round.executions)),
    failures: rounds.reduce((sum, round) => sum + round.failures, 0),
    p50Ms: middle((round) => percentile(round.latenciesMs, 0.5)),
    p99Ms: middle((round) => percentile(round.latenciesMs, 0.99)),
    p999Ms: middle((round) => percentile(round.latenciesMs, 0.999)),
    commands: spreadOf(commands).median,
    redisMs: middle((round) => round.redisMs),
  };
}

function tableOf(scenario: Scenario, results: Results): Table {
  const own = results.get(skeinFlights.name);
  if (own === undefined) throw new Error("Skein did not take part.");
  const skein = figuresOf(own);
  const beyondWork = (ms: number): number => ms - scenario.workMs;
  return {
    title: describe(scenario),
    note: "Executions: median, and most in one round if that is more. The rest as multiples of Skein's medians in the same run; latencies without the work itself; commands are what the clients send, what scripts call inside the server left out.",
    columns: [
      "",
      "configuration",
      "executions",
      "p50",
      "p99",
      "p99.9",
      "commands",
      "Redis processor",
      "failed calls",
    ],
    rows: FLEET_CONTENDERS.map(({ name, configuration }) => {
      const measured = results.get(name);
      const each = measured === undefined ? skein : figuresOf(measured);
      const most = each.maxExecutions > each.executions ? ` (${each.maxExecutions})` : "";
      return [
        name,
        configuration,
        `${each.executions}${most}`,
        formatRatio(beyondWork(each.p50Ms), beyondWork(skein.p50Ms)),
        formatRatio(beyondWork(each.p99Ms), beyondWork(skein.p99Ms)),
        formatRatio(beyondWork(each.p999Ms), beyondWork(skein.p999Ms)),
        formatRatio(each.commands, skein.commands),
        formatRatio(each.redisMs, skein.redisMs),
        String(each.failures),
      ];
    }),
  };
}

function formatRatio(value: number, reference: number): string {
  return formatFigure(value / reference);
}

function barsOf(scenario: Scenario, results: Results): Bar[] {
  const of = (name: string): Figures => {
    const measured = results.get(name);
    if (measured === undefined) throw new Error(`${name} did not take part.`);
    return figuresOf(measured);
  };
  const skein = of(skeinFlights.name);
  const where = `stampede ${scenario.processes} x ${scenario.callers}, ${scenario.keys} key, ${scenario.workMs} ms`;
  return [
    bar(`${where}: executions, most in one round`, skein.maxExecutions, { atMost: 1 }),
    ...[redlock, redlockBehindMap, polling, pollingBehindMap].flatMap(({ name }) => {
      const peer = of(name);
      return [
        bar(
          `${where}: p99 without the work, beside ${name}`,
          (skein.p99Ms - scenario.workMs) / (peer.p99Ms - scenario.workMs),
          { atMost: 1 / 3 },
        ),
        bar(`${where}: commands that clients send, beside ${name}`, skein.commands / peer.commands, {
          atMost: 0.1,
        }),
      ];
    }),
  ];
}

function describe({ processes, callers, keys, workMs }: Scenario): string {
  return `${processes} processes x ${callers} callers, ${keys} ${keys === 1 ? "key" : "keys"}, work of ${workMs} ms`;
}
