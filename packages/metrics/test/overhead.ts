/**
 * What observing costs: calls of core without an observer, with one that does nothing, with Prometheus and with
 * OpenTelemetry, measured in turns in one process. Prints medians and ratios; figures are those of this machine.
 * The last column is the spread of the turns without an observer: differences below it mean nothing.
 */
import { Singleflight, type SingleflightOptions } from "@skein/core";
import { PrometheusObserver } from "@skein/metrics";
import { OpenTelemetryObserver } from "@skein/metrics/opentelemetry";
import { Registry } from "prom-client";

const TURNS = 41;
const FLIGHTS_PER_TURN = 2_000;
const CALLERS_PER_FLIGHT = 10;

type Case = readonly [name: string, flights: Singleflight<number>];

function subject(observer?: SingleflightOptions["observer"]): Singleflight<number> {
  return new Singleflight<number>({
    detectReentry: false,
    keyPrefixOf: () => "user:",
    ...(observer === undefined ? {} : { observer }),
  });
}

const cases: readonly Case[] = [
  ["no observer", subject()],
  ["no observer, again", subject()],
  ["one that does nothing", subject({ onEvent: () => undefined })],
  ["Prometheus", subject(new PrometheusObserver({ registry: new Registry() }))],
  ["OpenTelemetry, no SDK", subject(new OpenTelemetryObserver())],
  ["OpenTelemetry, no spans", subject(new OpenTelemetryObserver({ spans: false }))],
];

const loads: readonly (readonly [
  name: string,
  calls: number,
  run: (flights: Singleflight<number>) => Promise<void>,
])[] = [
  [
    "alone: every call an execution",
    FLIGHTS_PER_TURN,
    async (flights) => {
      for (let flight = 0; flight < FLIGHTS_PER_TURN; flight++) await flights.do(`user:${flight}`, work);
    },
  ],
  [
    `stampede: ${CALLERS_PER_FLIGHT} calls an execution`,
    FLIGHTS_PER_TURN * CALLERS_PER_FLIGHT,
    async (flights) => {
      for (let flight = 0; flight < FLIGHTS_PER_TURN; flight++) {
        const calls = Array.from({ length: CALLERS_PER_FLIGHT }, () => flights.do(`user:${flight}`, work));
        await Promise.all(calls);
      }
    },
  ],
];

async function work(): Promise<number> {
  return 1;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

async function measure(): Promise<void> {
  for (const [load, calls, run] of loads) {
    const took = new Map<string, number[]>(cases.map(([name]) => [name, []]));
    for (let turn = -3; turn < TURNS; turn++) {
      // Another order each turn, so that nobody always runs after the one that leaves the most garbage.
      const order = cases.map((_one, index) => cases[(index + turn + cases.length) % cases.length]);
      for (const one of order) {
        if (one === undefined) continue;
        const [name, flights] = one;
        const startedAt = performance.now();
        await run(flights);
        // The first turns warm up.
        if (turn >= 0) took.get(name)?.push(((performance.now() - startedAt) * 1_000_000) / calls);
      }
    }
    const base = took.get("no observer") ?? [];
    const baseline = quantile(base, 0.5);
    const spread = (quantile(base, 0.75) - quantile(base, 0.25)) / baseline;
    process.stdout.write(`\n${load}; ${TURNS} turns of ${calls} calls\n`);
    for (const [name, values] of took) {
      const median = quantile(values, 0.5);
      process.stdout.write(
        `  ${name.padEnd(26)}${median.toFixed(0).padStart(7)} ns a call${(median / baseline).toFixed(2).padStart(8)} x\n`,
      );
    }
    process.stdout.write(`  spread without an observer: ${(spread * 100).toFixed(0)} % of its median\n`);
  }
}

await measure();
