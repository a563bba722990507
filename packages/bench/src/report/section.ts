/** What one part of the benchmarks yields: tables, plots, and the bars it had to clear. Data only; printing is elsewhere. */
import type { Bar } from "./bar.ts";

export interface Table {
  readonly title: string;
  /** Under the title: what was done, so that the figures can be read. */
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Lines over one axis, both logarithmic; a gap where a point is missing. */
export interface Plot {
  /** Of its file. */
  readonly name: string;
  readonly title: string;
  readonly xAxis: string;
  readonly yAxis: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export interface Findings {
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  readonly bars: readonly Bar[];
  /** Every figure behind the tables, for programs. */
  readonly figures: unknown;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  /** Tells how far it is; nothing else is printed while it runs. */
  run(pace: Pace, progress: (what: string) => void): Promise<Findings>;
}

/** `tiny`: to see that everything works. `quick`: under two minutes together. `full`: what the document says. */
export type Pace = "tiny" | "quick" | "full";
