/** Executions that may not have run as they did (I5, I6, I13). */
import {
  A,
  B,
  C,
  fault,
  flight,
  forgetting,
  history,
  loss,
  type BrokenHistory,
  type Moment,
} from "./moments.ts";

export const UNEXPLAINED_OVERLAPS: Readonly<Record<string, BrokenHistory>> = {
  "a second leader is elected where nothing went wrong": {
    breaks: "I5",
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", token: B, reason: "deposed" }],
      ...flight("b", B, 20, 60, "d2"),
    ),
    options: { undisturbed: true },
  },
  "a stampede takes two executions": {
    breaks: "I5",
    lines: history(
      [0, "a", { ev: "call", call: "s", stampede: "s" }],
      [0, "b", { ev: "call", call: "s", stampede: "s" }],
      ...flight("a", A, 1, 20, "d1"),
      ...flight("b", B, 30, 40, "d2"),
      [22, "a", { ev: "return", call: "s", digest: "d1" }],
      [42, "b", { ev: "return", call: "s", digest: "d2" }],
    ),
    options: { undisturbed: true },
  },
  "a stampede takes no execution at all": {
    breaks: "I5",
    lines: history(
      [0, "a", { ev: "call", call: "s", stampede: "s" }],
      [9, "a", { ev: "error", call: "s", error: "E" }],
    ),
    options: { undisturbed: true },
  },
  "an overlap without a cause": {
    breaks: "I6",
    lines: history(...flight("a", A, 0, 50, "d1").slice(0, 5), ...flight("b", B, 20, 70, "d2")),
  },
  "an overlap with one elected after a successor that itself still runs": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 30, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", token: B, reason: "expired" }],
      ...flight("b", B, 20, 90, "d2").slice(0, 5),
      ...flight("c", C, 50, 70, "d3"),
    ),
  },
  "an overlap with one elected before the takeover that was to explain it": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 90, "d1").slice(0, 5),
      ...flight("b", B, 20, 40, "d2"),
      [50, "c", { ev: "lead", token: C }],
      [50, "c", { ev: "takeover", token: C, reason: "expired" }],
    ),
  },
  "an overlap after a takeover from a leader that was elected before both": {
    breaks: "I6",
    lines: history(
      [5, "a", { ev: "takeover", token: A, reason: "expired" }],
      ...flight("b", B, 10, 60, "d2").slice(0, 5),
      ...flight("c", C, 20, 50, "d3"),
    ),
  },
  "an overlap with a successor of another key in between": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 90, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", key: "other", token: B, reason: "expired" }],
      ...flight("c", C, 50, 70, "d3"),
    ),
  },
  "an overlap with one that succeeded somebody who had resigned, and nobody says so": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", token: B, reason: "resigned" }],
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "an overlap with a local run that says nothing, though a leader was succeeded meanwhile": {
    breaks: "I6",
    lines: history(
      [5, "c", { ev: "start", execution: "1" }],
      [9, "b", { ev: "takeover", token: B, reason: "expired" }],
      ...flight("b", B, 10, 50, "d2"),
      [20, "c", { ev: "end", execution: "1", digest: "d3" }],
    ),
  },
  "two local runs, and only one of them says why": {
    breaks: "I6",
    lines: history(
      [0, "a", { ev: "fallback", reason: "timeout" }],
      [1, "a", { ev: "start", execution: "1" }],
      [2, "b", { ev: "start", execution: "1" }],
      [8, "a", { ev: "end", execution: "1", digest: "d1" }],
      [9, "b", { ev: "end", execution: "1", digest: "d2" }],
    ),
  },
  "an overlap that had begun when Redis began to lose its data": {
    breaks: "I6",
    lines: history(...flight("a", A, 0, 50, "d1").slice(0, 5), ...flight("b", B, 20, 70, "d2"), loss(30, 40)),
  },
  "an overlap of two that were elected after the loss, by server time": {
    breaks: "I6",
    lines: history(
      ...flight("a", "130000-a-x", 129, 170, "d1").slice(0, 5),
      [131, "driver", { ev: "fault", key: "", fault: "redis-lost-data", tSent: 119, tRedis: 121 }],
      ...flight("b", "140000-b-y", 140, 190, "d2"),
    ),
  },
  "an overlap of two that were elected before the key was forgotten, by server time": {
    breaks: "I6",
    lines: history(
      ...flight("a", "100000-a-x", 99, 170, "d1").slice(0, 5),
      ...forgetting("c", 115, 120, 120),
      ...flight("b", "110000-b-y", 125, 190, "d2"),
    ),
  },
  "an overlap that had begun when the key was about to be forgotten": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 80, "d1").slice(0, 5),
      ...flight("b", B, 30, 60, "d2"),
      ...forgetting("c", 40, 45),
    ),
  },
  "an overlap of two that began when the key had been forgotten": {
    breaks: "I6",
    lines: history(
      ...forgetting("c", 0, 5),
      ...flight("a", A, 10, 80, "d1").slice(0, 5),
      ...flight("b", B, 30, 60, "d2"),
    ),
  },
  "an overlap with a process that forgets the key once it has begun": {
    breaks: "I6",
    lines: history(...flight("a", A, 0, 80, "d1").slice(0, 5), ...flight("b", B, 30, 60, "d2"), [
      50,
      "a",
      { ev: "forgotten" },
    ]),
  },
  "an overlap whose cause belongs to another key": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", key: "other", token: C, reason: "deposed" }],
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "an overlap while another key was forgotten": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      [19, "c", { ev: "forgotten", key: "other" }],
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "an overlap long after Redis lost its data": {
    breaks: "I6",
    lines: history(
      fault(1, "redis-lost-data"),
      ...flight("a", A, 5, 50, "d1").slice(0, 5),
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "an overlap after a takeover that names nobody": {
    breaks: "I6",
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", reason: "expired" }],
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "a takeover explains its own election, not the next": {
    breaks: "I6",
    lines: history(
      [19, "b", { ev: "takeover", token: B, reason: "expired" }],
      ...flight("b", B, 20, 70, "d2").slice(0, 5),
      ...flight("c", C, 40, 60, "d3"),
    ),
  },
  "a fallback explains one local run, not the next": {
    breaks: "I6",
    lines: history(
      [1, "a", { ev: "fallback", reason: "timeout" }],
      [2, "a", { ev: "start", execution: "1" }],
      [3, "a", { ev: "end", execution: "1", digest: "d1" }],
      ...flight("b", B, 10, 50, "d"),
      [20, "a", { ev: "start", execution: "2" }],
      [30, "a", { ev: "end", execution: "2", digest: "d2" }],
    ),
  },
  "a closed breaker explains nothing": {
    breaks: "I6",
    lines: history(
      [0, "a", { ev: "breaker-open", key: "" }],
      [1, "a", { ev: "breaker-closed", key: "" }],
      ...flight("b", B, 10, 50, "d"),
      [20, "a", { ev: "start", execution: "2" }],
      [30, "a", { ev: "end", execution: "2", digest: "d2" }],
    ),
  },
  "a killed process does not explain who runs beside its successor": {
    breaks: "I6",
    lines: history(
      [1, "a", { ev: "start", token: A }],
      fault(10, "killed", "a"),
      ...flight("b", B, 20, 70, "d2").slice(0, 5),
      ...flight("c", C, 40, 60, "d3"),
    ),
  },
  "one process runs a key twice at once in fallback": {
    breaks: "I13",
    lines: history(
      ...[1, 2].flatMap((n): Moment[] => [
        [n * 10, "a", { ev: "fallback", reason: "unavailable" }],
        [n * 10 + 1, "a", { ev: "start", execution: `${n}` }],
        [n * 10 + 40, "a", { ev: "end", execution: `${n}`, digest: `d${n}` }],
      ]),
    ),
  },
  "one process runs a key twice at once in fallback, and another process had forgotten it": {
    breaks: "I13",
    lines: history(
      [0, "a", { ev: "call", call: "1" }],
      ...[1, 2].flatMap((n): Moment[] => [
        [n * 10, "a", { ev: "fallback", reason: "unavailable" }],
        [n * 10 + 1, "a", { ev: "start", execution: `${n}` }],
        [n * 10 + 40, "a", { ev: "end", execution: `${n}`, digest: `d${n}` }],
      ]),
      [15, "b", { ev: "forgotten" }],
      [60, "a", { ev: "return", call: "1", digest: "d1" }],
    ),
  },
  "one process runs a key twice at once in fallback, which was forgotten before anybody called": {
    breaks: "I13",
    lines: history(
      [0, "a", { ev: "forgotten" }],
      [5, "a", { ev: "call", call: "1" }],
      ...[1, 2].flatMap((n): Moment[] => [
        [n * 10, "a", { ev: "fallback", reason: "unavailable" }],
        [n * 10 + 1, "a", { ev: "start", execution: `${n}` }],
        [n * 10 + 40, "a", { ev: "end", execution: `${n}`, digest: `d${n}` }],
      ]),
      [60, "a", { ev: "return", call: "1", digest: "d1" }],
    ),
  },
  "one process runs too many keys at once in fallback": {
    breaks: "I13",
    lines: history(
      ...["k1", "k2", "k3"].flatMap((key, n): Moment[] => [
        [n, "a", { ev: "fallback", key, reason: "unavailable" }],
        [n + 1, "a", { ev: "start", key, execution: key }],
        [n + 40, "a", { ev: "end", key, execution: key, digest: key }],
      ]),
    ),
    options: { maxFallbackConcurrency: 2 },
  },
};
