/** What happened in a simulation: lines for the history checker, and what the coalescers told besides. */
import { createHash } from "node:crypto";
import type { Clock } from "@skein/core";
import type { HistoryEvent, HistoryLine } from "@skein/testkit";
import type { ClusterEvent } from "../../src/observer.ts";
import { lineOf } from "../fliers/history-line.ts";

export interface ToldEvent {
  readonly at: number;
  readonly process: string;
  readonly event: ClusterEvent;
}

/** The "process" of what the test did, or the server. */
export const NOBODY = "nobody";

const DISPLACES: ReadonlySet<ClusterEvent["type"]> = new Set([
  "flight-aged",
  "flight-evicted",
  "flight-forgotten",
]);

export class Recorder {
  readonly lines: HistoryLine[] = [];
  readonly told: ToldEvent[] = [];
  readonly #clock: Clock;
  /** Local names of flights that have lost their place in their process. */
  readonly displaced = new Set<string>();
  /** Each thing that happened, as text: two runs are the same if these are. */
  readonly #trace: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get trace(): readonly string[] {
    return this.#trace;
  }

  get digest(): string {
    return createHash("sha256").update(this.#trace.join("\n")).digest("hex").slice(0, 16);
  }

  record(process: string, event: HistoryEvent): void {
    const line: HistoryLine = { tMono: this.#clock.now(), process, ...event };
    this.lines.push(line);
    this.note(JSON.stringify(event), process);
  }

  tell(process: string, event: ClusterEvent): void {
    this.told.push({ at: this.#clock.now(), process, event });
    // Calls are numbered through the whole process, so their numbers go on from one run to the next.
    this.note(
      JSON.stringify(event, (name, value: unknown) => (name === "callId" ? undefined : value)),
      process,
    );
    if (DISPLACES.has(event.type) && "flightId" in event) this.displaced.add(event.flightId);
    const line = lineFor(event);
    if (line !== undefined) this.lines.push({ tMono: this.#clock.now(), process, ...line });
  }

  /** For the trace alone. */
  note(what: string, process: string = NOBODY): void {
    this.#trace.push(`${this.#clock.now()} ${process} ${what}`);
  }
}

/** The server knows better when an outcome was accepted, and when, if ever, a key was forgotten everywhere. */
function lineFor(event: ClusterEvent): HistoryEvent | undefined {
  if (event.type === "settle-accepted") return undefined;
  return event.type === "flight-forgotten" ? { ev: "evicted", key: event.key ?? "" } : lineOf(event);
}
