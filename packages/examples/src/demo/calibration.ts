// "An honestly slow query" must be slow on this machine: the report's window is widened or narrowed until one execution
// takes about as long on one core as a heavy report does.

import type { Client } from "pg";
import { queryReport } from "./report.ts";
import { DAYS, SALES_PER_DAY, dayBeforeLast } from "./sales.ts";

const WANTED_MS = { min: 300, aim: 330, max: 400 };
const FIRST_GUESS_DAYS = 200;
// Never fewer than 200,000 rows in a report, however slow the machine.
const MIN_WINDOW_DAYS = Math.ceil(200_000 / SALES_PER_DAY);
const MAX_WINDOW_DAYS = DAYS - 30;
const MAX_ATTEMPTS = 5;
const RUNS = 3;

export interface Calibration {
  readonly windowDays: number;
  readonly rows: number;
  /** One execution on the idle machine: the fastest of three. */
  readonly queryMs: number;
}

export async function calibrate(client: Client, signal: AbortSignal): Promise<Calibration> {
  let windowDays = FIRST_GUESS_DAYS;
  for (let attempt = 1; ; attempt++) {
    const queryMs = await measure(client, windowDays, signal);
    const next = clamp(Math.round((windowDays * WANTED_MS.aim) / queryMs), MIN_WINDOW_DAYS, MAX_WINDOW_DAYS);
    const fits = queryMs >= WANTED_MS.min && queryMs <= WANTED_MS.max;
    if (fits || next === windowDays || attempt === MAX_ATTEMPTS) {
      return { windowDays, rows: windowDays * SALES_PER_DAY, queryMs: Math.round(queryMs) };
    }
    windowDays = next;
  }
}

async function measure(client: Client, windowDays: number, signal: AbortSignal): Promise<number> {
  let fastestMs = Infinity;
  for (let run = 0; run < RUNS; run++) {
    signal.throwIfAborted();
    const start = performance.now();
    await queryReport(client, dayBeforeLast(0), windowDays);
    fastestMs = Math.min(fastestMs, performance.now() - start);
  }
  return fastestMs;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
