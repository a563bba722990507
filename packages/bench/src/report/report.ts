/** The findings of a run, as they are kept for programs and for the sections of the document that are not run again. */
import { readFile } from "node:fs/promises";
import type { Machine } from "./machine.ts";
import type { Findings, Pace } from "./section.ts";

export interface SectionReport extends Findings {
  readonly name: string;
  readonly title: string;
  readonly date: string;
  readonly commit: string;
  readonly processor: string;
  readonly pace: Pace;
  readonly tookS: number;
  /** Load average of the machine before and after, this run's own processes included. */
  readonly load: readonly [number, number];
}

export interface Report {
  readonly machine: Machine;
  readonly sections: readonly SectionReport[];
}

export async function readReport(file: URL): Promise<Report | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

/** The new sections in place of the old ones, in the order given. */
export function mergeReports(old: Report | undefined, fresh: Report, order: readonly string[]): Report {
  const kept = new Map((old?.sections ?? []).map((section) => [section.name, section]));
  for (const section of fresh.sections) kept.set(section.name, section);
  const sections = order.flatMap((name) => kept.get(name) ?? []);
  return { machine: fresh.machine, sections };
}
