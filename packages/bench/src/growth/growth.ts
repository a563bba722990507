/** One thing that grows, what a flight costs at each of its sizes, and how that is shown. */
import { formatFigure } from "../report/bar.ts";
import type { Plot, Table } from "../report/section.ts";
import { spreadOf } from "../sample.ts";
import type { Cost } from "./growth-process.ts";

export type TimedCost = Cost & { readonly lastMs?: number };

export interface Growth {
  readonly what: "keys" | "callers" | "instances" | "bytes";
  /** By size, one per round. */
  readonly costs: ReadonlyMap<number, readonly TimedCost[]>;
}

export const client = ({ clientUs }: Cost): number => clientUs;
export const redis = ({ redisUs }: Cost): number => redisUs;
export const total = (cost: Cost): number => client(cost) + redis(cost);

const TITLES: Record<Growth["what"], string> = {
  keys: "Keys: so many flights at once, led by one process; per flight",
  callers: "Callers: so many of one flight, in the process that leads it; per flight",
  instances: "Instances: so many take part in one flight; per instance",
  bytes: "Outcome: so many bytes to one follower; per flight",
};

/** The median of its rounds. */
export function costIn({ costs }: Growth, size: number, of: (cost: TimedCost) => number): number {
  const measured = costs.get(size);
  if (measured === undefined || measured.length === 0) throw new Error(`Nothing was measured at ${size}.`);
  return spreadOf(measured.map(of)).median;
}

export function growthTable(growth: Growth): Table {
  const { what, costs } = growth;
  const sizes = [...costs.keys()];
  const [smallest] = sizes;
  const beside = (of: (cost: TimedCost) => number) => (size: number) =>
    formatFigure(costIn(growth, size, of) / costIn(growth, smallest ?? size, of));
  const rows = [
    ["client", ...sizes.map(beside(client))],
    ["Redis", ...sizes.map(beside(redis))],
  ];
  const timed = what === "instances" || what === "bytes";
  const first = sizes.find((size) => what !== "instances" || size > 1) ?? 1;
  if (timed) {
    const last = (size: number): number => costIn(growth, size, ({ lastMs }) => lastMs ?? Number.NaN);
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

export function growthPlot(growth: Growth): Plot {
  const { what, costs } = growth;
  const sizes = [...costs.keys()];
  const line = (name: string, of: (cost: TimedCost) => number): Plot["lines"][number] => ({
    name,
    points: sizes.map(
      (size) => [size, costIn(growth, size, of) / costIn(growth, sizes[0] ?? size, of)] as const,
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
