/** Histories in short, for the samples that the checker is held against. */
import type { HistoryEvent, HistoryLine } from "../../src/history.ts";
import type { HistoryCheckOptions } from "../../src/history-checker.ts";
import type { InvariantName } from "../../src/violation.ts";

export interface SoundHistory {
  readonly lines: HistoryLine[];
  readonly options?: HistoryCheckOptions;
}

export interface BrokenHistory extends SoundHistory {
  readonly breaks: InvariantName;
}

/** A line in short: time, process, event; the key is "k" unless said. */
export type Moment = [
  tMono: number,
  process: string,
  event: Partial<HistoryEvent> & Pick<HistoryEvent, "ev">,
];

export function history(...moments: Moment[]): HistoryLine[] {
  const lines = moments.map(([tMono, process, event]) => ({ tMono, process, key: "k", ...event }));
  return lines.toSorted((a, b) => a.tMono - b.tMono);
}

export const A = "100-a-x";
export const B = "200-b-y";
export const C = "300-c-z";

/** A flight of process `leader` from `from` to `to`, with its own caller. */
export function flight(leader: string, token: string, from: number, to: number, digest: string): Moment[] {
  return [
    [from, leader, { ev: "call", call: token, deadlineMs: 1_000 }],
    [from + 1, leader, { ev: "lead", token }],
    [from + 2, leader, { ev: "start", token }],
    [to, leader, { ev: "end", token, digest }],
    [to + 1, leader, { ev: "return", call: token, digest }],
    [to + 2, leader, { ev: "settle-accepted", token, tSent: to + 1 }],
  ];
}

export function followed(process: string, from: number, to: number, digest: string): Moment[] {
  return [
    [from, process, { ev: "call", call: `${process}@${from}`, deadlineMs: 1_000 }],
    [from + 1, process, { ev: "follow" }],
    [to, process, { ev: "return", call: `${process}@${from}`, digest }],
  ];
}

/** Redis lost its data at some moment between the two. */
export const loss = (from: number, until: number): Moment => [
  until,
  "driver",
  { ev: "fault", key: "", fault: "redis-lost-data", tSent: from },
];

/** The key was forgotten at some moment between the two; `tRedis`: when it was over, by the server. */
export const forgetting = (process: string, from: number, until: number, tRedis?: number): Moment[] => {
  const server = (ms: number): { tRedis?: number } => (tRedis === undefined ? {} : { tRedis: tRedis + ms });
  return [
    [from, process, { ev: "forgotten", call: "forget", ...server(from - until) }],
    [until, process, { ev: "forgotten", call: "forget", tSent: from, ...server(0) }],
  ];
};

export const fault = (tMono: number, name: string, target?: string): Moment => [
  tMono,
  "driver",
  { ev: "fault", key: "", fault: name, ...(target === undefined ? {} : { target }) },
];
