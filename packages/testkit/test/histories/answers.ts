/** What callers were told, as it may be and as it may not (I4, I7, I9). */
import { A, fault, flight, followed, history, type BrokenHistory, type SoundHistory } from "./moments.ts";

export const SOUND_ANSWERS: Readonly<Record<string, SoundHistory>> = {
  "an outcome that is still fresh": {
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 5_000, 5_010, "d")),
    options: { freshMs: 5_000 },
  },
  "an outcome whose settle was under way for long, and nobody tells of it": {
    lines: history(
      [0, "a", { ev: "fallback", reason: "timeout" }],
      [1, "a", { ev: "start", execution: "1" }],
      [50, "a", { ev: "end", execution: "1", digest: "d" }],
      ...followed("b", 2_000, 2_010, "d"),
    ),
    options: { settleMs: 2_000 },
  },
  "a wake-up that lay unread in a stopped process": {
    lines: history(
      ...flight("a", A, 0, 50, "d"),
      fault(40, "paused", "b"),
      fault(4_000, "resumed", "b"),
      ...followed("b", 4_001, 4_010, "d"),
    ),
  },
  "an error for everybody": {
    lines: history(
      [0, "a", { ev: "call", call: "1" }],
      [1, "a", { ev: "start", token: A }],
      [2, "a", { ev: "end", token: A, error: "E" }],
      [3, "a", { ev: "error", call: "1", error: "E" }],
    ),
  },
};

export const BROKEN_ANSWERS: Readonly<Record<string, BrokenHistory>> = {
  "a call returns what was ready long before": {
    breaks: "I4",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 3_000, 3_010, "d")),
  },
  "a call returns what had been settled long before, however long others may take to settle": {
    breaks: "I4",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 2_000, 2_010, "d")),
    options: { settleMs: 2_000 },
  },
  "a call returns what nobody tells the settlement of, when that had no time any more": {
    breaks: "I4",
    lines: history(
      [0, "a", { ev: "fallback", reason: "timeout" }],
      [1, "a", { ev: "start", execution: "1" }],
      [50, "a", { ev: "end", execution: "1", digest: "d" }],
      ...followed("b", 3_100, 3_110, "d"),
    ),
    options: { settleMs: 2_000 },
  },
  "a fresh outcome is past its time": {
    breaks: "I4",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 6_100, 6_110, "d")),
    options: { freshMs: 5_000 },
  },
  "a call returns bytes that nobody produced": {
    breaks: "I7",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 10, 55, "damaged")),
  },
  "a call is never answered": {
    breaks: "I9",
    lines: history([0, "a", { ev: "call", call: "1", deadlineMs: 100 }]),
  },
  "a call is answered long after its deadline": {
    breaks: "I9",
    lines: history(
      [0, "a", { ev: "call", call: "1", deadlineMs: 100 }],
      [2_200, "a", { ev: "error", call: "1", error: "timeout" }],
    ),
  },
  "a call is open past its deadline when its process is killed": {
    breaks: "I9",
    lines: history([0, "a", { ev: "call", call: "1", deadlineMs: 100 }], fault(9_000, "killed", "a")),
  },
  "a call is answered twice": {
    breaks: "I9",
    lines: history(
      [0, "a", { ev: "call", call: "1" }],
      [1, "a", { ev: "error", call: "1", error: "E" }],
      [2, "a", { ev: "error", call: "1", error: "E" }],
    ),
  },
};
