import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryEvent, HistoryLine } from "./history.ts";
import { checkHistory, expectHistoryHolds, type HistoryCheckOptions } from "./history-checker.ts";
import type { InvariantName } from "./violation.ts";

/** A line in short: time, process, event; the key is "k" unless said. */
type Moment = [tMono: number, process: string, event: Partial<HistoryEvent> & Pick<HistoryEvent, "ev">];

function history(...moments: Moment[]): HistoryLine[] {
  const lines = moments.map(([tMono, process, event]) => ({ tMono, process, key: "k", ...event }));
  return lines.toSorted((a, b) => a.tMono - b.tMono);
}

const A = "100-a-x";
const B = "200-b-y";
const C = "300-c-z";

/** A flight of process `leader` from `from` to `to`, with its own caller. */
function flight(leader: string, token: string, from: number, to: number, digest: string): Moment[] {
  return [
    [from, leader, { ev: "call", call: token, deadlineMs: 1_000 }],
    [from + 1, leader, { ev: "lead", token }],
    [from + 2, leader, { ev: "start", token }],
    [to, leader, { ev: "end", token, digest }],
    [to + 1, leader, { ev: "return", call: token, digest }],
    [to + 2, leader, { ev: "settle-accepted", token, tSent: to + 1 }],
  ];
}

function followed(process: string, from: number, to: number, digest: string): Moment[] {
  return [
    [from, process, { ev: "call", call: `${process}@${from}`, deadlineMs: 1_000 }],
    [from + 1, process, { ev: "follow" }],
    [to, process, { ev: "return", call: `${process}@${from}`, digest }],
  ];
}

const fault = (tMono: number, name: string, target?: string): Moment => [
  tMono,
  "driver",
  { ev: "fault", key: "", fault: name, ...(target === undefined ? {} : { target }) },
];

const GOOD: Record<string, { lines: HistoryLine[]; options?: HistoryCheckOptions }> = {
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
  "the same leader told twice by a repeated join": {
    lines: history(...flight("a", A, 0, 50, "d"), [3, "a", { ev: "lead", token: A }]),
  },
  "a settle sent again": {
    lines: history(...flight("a", A, 0, 50, "d"), [
      80,
      "a",
      { ev: "settle-accepted", token: A, already: true },
    ]),
  },
  "a settle sent again, answered after somebody else was elected": {
    lines: history(...flight("a", A, 0, 50, "d1"), ...flight("b", B, 60, 90, "d2"), [
      95,
      "a",
      { ev: "settle-accepted", token: A, already: true, tSent: 70 },
    ]),
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
  "an election whose reply was under way while the next leader settled, in a history with a loss": {
    lines: history(
      fault(0, "redis-lost-data"),
      [1, "c", { ev: "forgotten" }],
      ...flight("b", B, 10, 40, "d2"),
      [20, "a", { ev: "lead", token: A }],
    ),
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
  "Redis lost its data: numbers repeat, and an older outcome may be the last": {
    lines: history(
      ...flight("b", B, 0, 50, "d1"),
      fault(55, "redis-lost-data"),
      ...flight("a", A, 60, 90, "d2"),
    ),
  },
  "an outcome that is still fresh": {
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 5_000, 5_010, "d")),
    options: { freshMs: 5_000 },
  },
  "a wake-up that lay unread in a stopped process": {
    lines: history(
      ...flight("a", A, 0, 50, "d"),
      fault(40, "paused", "b"),
      fault(4_000, "resumed", "b"),
      ...followed("b", 4_001, 4_010, "d"),
    ),
  },
  "two takeovers, abandoned, and one more probe": {
    lines: history(
      [1, "a", { ev: "takeover", token: "1-a-x", reason: "deposed" }],
      [2, "b", { ev: "takeover", token: "2-b-x", reason: "expired" }],
      [3, "c", { ev: "abandoned" }],
      [30_003, "c", { ev: "takeover", token: "3-c-x", reason: "expired" }],
      [30_004, "d", { ev: "abandoned" }],
    ),
  },
  "many leaders that resigned": {
    lines: history(
      ...Array.from({ length: 9 }, (_, n): Moment => [
        n,
        "a",
        { ev: "takeover", token: `${n}-a-x`, reason: "resigned" },
      ]),
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

const BAD: Record<string, { breaks: InvariantName; lines: HistoryLine[]; options?: HistoryCheckOptions }> = {
  "two processes lead under one token": {
    breaks: "I1",
    lines: history([1, "a", { ev: "lead", token: A }], [2, "b", { ev: "lead", token: A }]),
  },
  "a settle is accepted although somebody else was elected": {
    breaks: "I2",
    lines: history(
      ...flight("a", A, 0, 50, "d"),
      [30, "b", { ev: "takeover", token: B }],
      [30, "b", { ev: "lead", token: B }],
    ),
  },
  "a renewal is accepted although somebody else was elected": {
    breaks: "I2",
    lines: history(
      [1, "a", { ev: "lead", token: A }],
      [10, "b", { ev: "lead", token: B }],
      [20, "a", { ev: "renew-accepted", token: A, tSent: 11 }],
    ),
  },
  "a settle is accepted after an election that followed a loss of data": {
    breaks: "I2",
    lines: history(
      [1, "b", { ev: "lead", token: B }],
      fault(5, "redis-lost-data"),
      [10, "a", { ev: "lead", token: A }],
      [20, "b", { ev: "settle-accepted", token: B, tSent: 11 }],
    ),
  },
  "two settles of one token change something": {
    breaks: "I2",
    lines: history(...flight("a", A, 0, 50, "d"), [80, "a", { ev: "settle-accepted", token: A }]),
  },
  "an earlier outcome is accepted after a later one": {
    breaks: "I3",
    lines: history(
      [50, "b", { ev: "settle-accepted", token: B, tSent: 49 }],
      [60, "a", { ev: "settle-accepted", token: A, tSent: 51 }],
    ),
  },
  "a call returns what was ready long before": {
    breaks: "I4",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 3_000, 3_010, "d")),
  },
  "a fresh outcome is past its time": {
    breaks: "I4",
    lines: history(...flight("a", A, 0, 50, "d"), ...followed("b", 6_100, 6_110, "d")),
    options: { freshMs: 5_000 },
  },
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
  "one takeover too many": {
    breaks: "I11",
    lines: history(
      ...[1, 2, 3].map((n): Moment => [n, `p${n}`, { ev: "takeover", token: `${n}-p-x`, reason: "deposed" }]),
    ),
  },
  "a server that counts too far": {
    breaks: "I11",
    lines: history([1, "a", { ev: "lead", token: A, takeovers: 3 }]),
  },
  "an aged leader counts, though it resigned": {
    breaks: "I11",
    lines: history(
      ...[1, 2, 3].flatMap((n): Moment[] => [
        [n, `p${n}`, { ev: "aged", token: `${n}-p-x` }],
        [n + 0.5, `p${n}`, { ev: "takeover", token: `${n}-p-x`, reason: "resigned" }],
      ]),
    ),
  },
  "two more after the flight was abandoned": {
    breaks: "I11",
    lines: history(
      [1, "c", { ev: "abandoned" }],
      [2, "a", { ev: "takeover", token: A, reason: "expired" }],
      [3, "b", { ev: "takeover", token: B, reason: "expired" }],
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

function broken(lines: readonly HistoryLine[], options?: HistoryCheckOptions): InvariantName[] {
  return [...new Set(checkHistory(lines, options).map(({ invariant }) => invariant))];
}

describe("checkHistory", () => {
  it.each(Object.keys(GOOD))("accepts: %s", (name) => {
    const { lines, options } = GOOD[name]!;
    expect(checkHistory(lines, options)).toStrictEqual([]);
  });

  it.each(Object.keys(BAD))("is the only one to refuse: %s", (name) => {
    const { breaks, lines, options } = BAD[name]!;
    const violations = checkHistory(lines, options);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ invariant: breaks });
    expect(violations[0]!.lines.length).toBeGreaterThan(0);
    for (const line of violations[0]!.lines) expect(lines).toContainEqual(line);
  });

  it("knows each invariant by at least one history that breaks it alone", () => {
    const names = new Set(Object.values(BAD).map(({ breaks }) => breaks));
    expect([...names].toSorted()).toStrictEqual(
      ["I1", "I11", "I13", "I2", "I3", "I4", "I5", "I6", "I7", "I9"].toSorted(),
    );
  });

  it("finds in a crowd of flights exactly the one that is wrong", () => {
    const isLocal = ({ options, lines }: { options?: HistoryCheckOptions; lines: HistoryLine[] }) =>
      options === undefined && !lines.some((line) => line.fault === "redis-lost-data");
    const good = Object.values(GOOD).filter(isLocal);
    const bad = Object.values(BAD).filter(isLocal);
    const crowd = fc.array(fc.tuple(fc.constantFrom(...good), fc.nat(2_000)), { maxLength: 8 });
    fc.assert(
      fc.property(crowd, fc.option(fc.constantFrom(...bad)), fc.nat(2_000), (others, wrong, delay) => {
        const parts = others.map(([{ lines }, shift], index) => elsewhere(lines, `crowd${index}`, shift));
        const culprit = wrong === null ? [] : elsewhere(wrong.lines, "culprit", delay);
        const lines = [...parts.flat(), ...culprit].toSorted((a, b) => a.tMono - b.tMono);
        expect(broken(lines)).toStrictEqual(wrong === null ? [] : [wrong.breaks]);
      }),
    );
  });

  it("prints the invariant and the lines that prove its violation", () => {
    expect(() => expectHistoryHolds(BAD["two processes lead under one token"]!.lines)).toThrow(
      /I1: two processes were told to lead under one token, 100-a-x\n {4}{"tMono":1,.*\n {4}{"tMono":2,/,
    );
    expect(() => expectHistoryHolds([])).not.toThrow();
  });

  it("does not guess when a token cannot be read", () => {
    const lines = history(
      [1, "a", { ev: "lead", token: "nonsense" }],
      [9, "a", { ev: "settle-accepted", token: "nonsense", tSent: 5 }],
    );
    expect(() => checkHistory(lines)).toThrow('no grant in the token "nonsense"');
  });
});

/** The same story about another key, by other processes, at another time. */
function elsewhere(lines: readonly HistoryLine[], place: string, shift: number): HistoryLine[] {
  return lines.map((line) => ({
    ...line,
    tMono: line.tMono + shift,
    process: `${place}/${line.process}`,
    ...(line.key === "" ? {} : { key: `${place}/${line.key}` }),
    ...(line.tSent === undefined ? {} : { tSent: line.tSent + shift }),
    ...(line.target === undefined ? {} : { target: `${place}/${line.target}` }),
  }));
}
