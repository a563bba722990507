/**
 * What happened in a run of several processes, one JSON line per event, for the checker to judge afterwards. Every process
 * writes a file of its own, synchronously: a SIGKILL loses nothing that was recorded. All times are of the machine's
 * monotonic clock, so lines of different processes can be compared.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const EXTENSION = ".jsonl";

/** What a call, its flight and its work went through. */
export type FlightMark =
  | "call"
  | "lead"
  | "follow"
  | "start"
  | "end"
  | "settle-accepted"
  | "settle-fenced"
  | "renew-accepted"
  | "return"
  | "error"
  | "fallback"
  | "takeover";

/** Why an execution may run beside another. */
export type CauseMark =
  | "expired"
  | "deposed"
  | "resigned"
  | "closed"
  | "aged"
  | "evicted"
  | "forgotten"
  | "wait-timeout"
  | "unshareable"
  | "abandoned"
  | "leader-lost-local"
  | "shadow"
  | "abort-ignored"
  | "breaker-open"
  | "breaker-closed";

/** What the test did. "killed" is recorded when the process is gone; "redis-lost-data" after the loss, with `tSent`. */
export type FaultName = "killed" | "paused" | "resumed" | "redis-lost-data" | (string & {});

export interface HistoryEvent {
  ev: FlightMark | CauseMark | "fault";
  /** Empty for what concerns a whole process. */
  key: string;
  /** Names the call within its process; on "call" and what answers it, and on both lines of a request to forget. */
  call?: string;
  /** The server's time in ms, as the reply told it; of what no reply tells, as the clock that it shares with us does. */
  tRedis?: number;
  /** Of the lease; absent on an execution that nobody coordinates. */
  token?: string;
  /** Of the outcome; on "end" and "return". Values should differ from execution to execution. */
  digest?: string;
  error?: string;
  /** On "start" and "end": names the execution within its process. Default: the token. */
  execution?: string;
  /** On "call": after so long it has to be answered. */
  deadlineMs?: number;
  /** On "call": all calls with the same name belong to one stampede, which is one execution (I5). */
  stampede?: string;
  /**
   * As `tMono`. On "settle-accepted" and "renew-accepted": when the request left. On "forgotten" and "redis-lost-data": before
   * it took place. Default: unknown.
   */
  tSent?: number;
  /** On "settle-accepted": the server had it already, so this changed nothing. */
  already?: boolean;
  /** On "lead" and "takeover": as the server counted. */
  takeovers?: number;
  /** On "takeover" and "fallback". */
  reason?: string;
  /** On "fault". */
  fault?: FaultName;
  /** On "fault": the process that it hit. */
  target?: string;
}

export interface HistoryLine extends HistoryEvent {
  /** Milliseconds of the machine's monotonic clock, with fractions. */
  tMono: number;
  process: string;
}

export class HistoryWriter implements Disposable {
  readonly #descriptor: number;
  readonly #process: string;

  /**
   * Writes into `directory`, which must exist. `process` names one life of one process, in letters, digits, ".", "_" and
   * "-"; throws when that name was used before.
   */
  constructor(directory: string, process: string) {
    if (!/^[\w.-]+$/.test(process)) throw new RangeError(`No name for a process: ${JSON.stringify(process)}`);
    this.#process = process;
    this.#descriptor = openSync(join(directory, process + EXTENSION), "ax");
  }

  /** When it returns, the line survives the end of this process. */
  record(event: HistoryEvent): void {
    const line: HistoryLine = { tMono: monotonicMs(), process: this.#process, ...event };
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What `tMono` and `tSent` are: the same for all processes of a machine, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A short digest of a value, by its JSON. */
export function digestOf(value: unknown): string {
  const json = JSON.stringify(value) ?? "undefined";
  return createHash("sha256").update(json).digest("hex").slice(0, 16);
}

/**
 * The lines of all processes that wrote into `directory`, in the order of time. A torn last line of a file is what a
 * killed process leaves and is passed over; any other line that cannot be read is an error.
 */
export function readHistory(directory: string): HistoryLine[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(EXTENSION));
  const lines = files
    .toSorted()
    .flatMap((name) => parseFile(name, readFileSync(join(directory, name), "utf8")));
  return lines.toSorted((a, b) => a.tMono - b.tMono);
}

function parseFile(name: string, text: string): HistoryLine[] {
  const rows = text.split("\n");
  // After the last line feed there is nothing, or a torn line.
  rows.pop();
  return rows.map((row, index) => {
    try {
      return JSON.parse(row) as HistoryLine;
    } catch (error) {
      throw new Error(`${name}, line ${index + 1}, is no JSON: ${row}`, { cause: error });
    }
  });
}
