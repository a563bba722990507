/** Executions that may have run as they did (I5, I6, I13). */
import {
  A,
  B,
  C,
  fault,
  flight,
  followed,
  forgetting,
  history,
  loss,
  type Moment,
  type SoundHistory,
} from "./moments.ts";

export const EXPLAINED_OVERLAPS: Readonly<Record<string, SoundHistory>> = {
  "an overlap after Redis lost its data while the earlier one ran": {
    lines: history(
      ...flight("a", A, 0, 50, "d1").slice(0, 5),
      fault(10, "redis-lost-data"),
      ...flight("b", B, 20, 70, "d2"),
    ),
  },
  "one stampede, one execution": {
    lines: history(
      [0, "a", { ev: "call", call: "s", stampede: "s", deadlineMs: 100 }],
      [1, "b", { ev: "call", call: "s", stampede: "s", deadlineMs: 100 }],
      [2, "a", { ev: "lead", token: A }],
      [3, "a", { ev: "start", token: A }],
      [50, "a", { ev: "end", token: A, digest: "d" }],
      [51, "a", { ev: "return", call: "s", digest: "d" }],
      [52, "a", { ev: "settle-accepted", token: A, tSent: 51 }],
      [53, "b", { ev: "return", call: "s", digest: "d" }],
    ),
    options: { undisturbed: true },
  },
  "two flights one after the other": {
    lines: history(
      ...flight("a", A, 0, 50, "d1"),
      ...flight("b", B, 60, 90, "d2"),
      ...followed("c", 65, 95, "d2"),
    ),
    options: { undisturbed: true },
  },
  "a leader killed and replaced": {
    lines: history(
      [0, "a", { ev: "call", call: "1", deadlineMs: 1_000 }],
      [1, "a", { ev: "lead", token: A }],
      [2, "a", { ev: "start", token: A }],
      fault(10, "killed", "a"),
      [20, "b", { ev: "call", call: "1", deadlineMs: 1_000 }],
      [400, "b", { ev: "lead", token: B, takeovers: 1 }],
      [400, "b", { ev: "takeover", token: B, reason: "deposed", takeovers: 1 }],
      [401, "b", { ev: "start", token: B }],
      [450, "b", { ev: "end", token: B, digest: "d" }],
      [451, "b", { ev: "return", call: "1", digest: "d" }],
      [452, "b", { ev: "settle-accepted", token: B, tSent: 451, takeovers: 1 }],
    ),
  },
  "a leader stopped past its lease: fenced, its callers answered late": {
    lines: history(
      [0, "a", { ev: "call", call: "1", deadlineMs: 100 }],
      [1, "a", { ev: "lead", token: A }],
      [2, "a", { ev: "start", token: A }],
      fault(10, "paused", "a"),
      [5_000, "b", { ev: "call", call: "1", deadlineMs: 1_000 }],
      [5_001, "b", { ev: "takeover", token: B, reason: "expired" }],
      [5_001, "b", { ev: "lead", token: B }],
      [5_002, "b", { ev: "start", token: B }],
      fault(6_000, "resumed", "a"),
      [6_010, "a", { ev: "end", token: A, digest: "d1" }],
      [6_011, "a", { ev: "settle-fenced", token: A }],
      [6_011, "a", { ev: "return", call: "1", digest: "d1" }],
      [6_020, "b", { ev: "end", token: B, digest: "d2" }],
      [6_021, "b", { ev: "settle-accepted", token: B, tSent: 6_020 }],
      [6_022, "b", { ev: "return", call: "1", digest: "d2" }],
    ),
  },
  "a flight deposed, and only the one that was lost says so": {
    lines: history(...flight("a", A, 0, 50, "d1").slice(0, 5), ...flight("b", B, 20, 70, "d2"), [
      19,
      "c",
      { ev: "deposed", token: A },
    ]),
  },
  "a leader stopped for so long that its successor has settled and somebody else leads": {
    lines: history(
      ...flight("a", A, 0, 90, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", token: B, reason: "expired" }],
      ...flight("b", B, 20, 40, "d2"),
      ...flight("c", C, 50, 70, "d3"),
    ),
  },
  "a leader stopped for so long that two have succeeded it, and the first of them was killed before it began":
    {
      lines: history(
        ...flight("a", A, 0, 90, "d1").slice(0, 5),
        [19, "b", { ev: "lead", token: B }],
        [19, "b", { ev: "takeover", token: B, reason: "expired" }],
        fault(20, "killed", "b"),
        ...flight("c", C, 50, 70, "d3"),
      ),
    },
  "a leader that was stopped before it began, and began after its successor": {
    lines: history(
      ...flight("a", A, 30, 50, "d1").slice(0, 5),
      [19, "b", { ev: "takeover", token: B, reason: "deposed" }],
      ...flight("b", B, 20, 40, "d2"),
    ),
  },
  "an overlap that began while Redis lost its data, and before the loss was recorded": {
    lines: history(...flight("a", A, 0, 50, "d1").slice(0, 5), loss(10, 40), ...flight("b", B, 20, 70, "d2")),
  },
  "a loss between two elections by server time, and the first one's work began late": {
    lines: history(
      ...flight("a", "100000-a-x", 130, 170, "d1").slice(0, 5),
      [121, "driver", { ev: "fault", key: "", fault: "redis-lost-data", tSent: 119, tRedis: 121 }],
      ...flight("b", "122000-b-y", 122, 190, "d2"),
    ),
  },
  "a key forgotten at a moment that only the later of two lines is after": {
    lines: history(
      ...flight("a", A, 10, 80, "d1").slice(0, 5),
      ...forgetting("c", 5, 20),
      ...flight("b", B, 30, 60, "d2"),
    ),
  },
  "a key forgotten by a process that was killed while it asked for that": {
    lines: history(
      ...flight("a", A, 10, 80, "d1").slice(0, 5),
      [5, "c", { ev: "forgotten", call: "1" }],
      fault(15, "killed", "c"),
      ...flight("b", B, 30, 60, "d2"),
    ),
  },
  "a forgotten leader that hears of it late": {
    lines: history(...flight("a", A, 0, 80, "d1").slice(0, 5), ...flight("b", B, 30, 60, "d2"), [
      50,
      "a",
      { ev: "forgotten", token: A },
    ]),
  },
  "a forgotten key: the old execution goes on beside the new one": {
    lines: history(
      ...flight("a", A, 0, 80, "d1").slice(0, 5),
      [20, "c", { ev: "forgotten" }],
      ...flight("b", B, 30, 60, "d2"),
    ),
  },
  "aged, and replaced while the work ignores its abort": {
    lines: history(...flight("a", A, 0, 80, "d1").slice(0, 5), ...flight("b", B, 30, 60, "d2"), [
      81,
      "a",
      { ev: "abort-ignored", token: A },
    ]),
  },
  "each process on its own while Redis is away": {
    lines: history(
      ...["a", "b"].flatMap((process): Moment[] => [
        [0, process, { ev: "call", call: "1", deadlineMs: 100 }],
        [1, process, { ev: "fallback", reason: "unavailable" }],
        [2, process, { ev: "start", execution: "1" }],
        [30, process, { ev: "end", execution: "1", digest: process }],
        [31, process, { ev: "return", call: "1", digest: process }],
      ]),
    ),
    options: { maxFallbackConcurrency: 1 },
  },
  "a process runs a key again in fallback, because it was forgotten": {
    lines: history(
      [0, "a", { ev: "fallback", reason: "unavailable" }],
      [1, "a", { ev: "start", execution: "1" }],
      [10, "a", { ev: "forgotten" }],
      [11, "a", { ev: "fallback", reason: "unavailable" }],
      [12, "a", { ev: "start", execution: "2" }],
      [30, "a", { ev: "end", execution: "1", digest: "d1" }],
      [31, "a", { ev: "end", execution: "2", digest: "d2" }],
    ),
  },
  "a flight that was forgotten while it waited for Redis runs beside its successor": {
    lines: history(
      [0, "a", { ev: "call", call: "1" }],
      [5, "a", { ev: "forgotten" }],
      [10, "a", { ev: "call", call: "2" }],
      ...[1, 2].flatMap((n): Moment[] => [
        [n * 10 + 10, "a", { ev: "fallback", reason: "timeout" }],
        [n * 10 + 11, "a", { ev: "start", execution: `${n}` }],
        [n * 10 + 50, "a", { ev: "end", execution: `${n}`, digest: `d${n}` }],
        [n * 10 + 51, "a", { ev: "return", call: `${n}`, digest: `d${n}` }],
      ]),
    ),
  },
  "an open breaker explains every local run until it closes": {
    lines: history(
      [0, "a", { ev: "breaker-open", key: "" }],
      ...flight("b", B, 0, 50, "d"),
      [5, "a", { ev: "start", execution: "1" }],
      [9, "a", { ev: "end", execution: "1", digest: "d1" }],
      [15, "a", { ev: "start", execution: "2" }],
      [19, "a", { ev: "end", execution: "2", digest: "d2" }],
      [60, "a", { ev: "breaker-closed", key: "" }],
    ),
  },
};
