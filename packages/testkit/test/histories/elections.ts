/** Who was elected and heard, as it may be and as it may not (I1, I2, I3, I11). */
import {
  A,
  B,
  fault,
  flight,
  history,
  loss,
  type BrokenHistory,
  type Moment,
  type SoundHistory,
} from "./moments.ts";

export const SOUND_ELECTIONS: Readonly<Record<string, SoundHistory>> = {
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
  "an election whose reply was under way while the next leader settled, in a history with a loss": {
    lines: history(
      fault(0, "redis-lost-data"),
      [1, "c", { ev: "forgotten" }],
      ...flight("b", B, 10, 40, "d2"),
      [20, "a", { ev: "lead", token: A }],
    ),
  },
  "Redis lost its data: numbers repeat, and an older outcome may be the last": {
    lines: history(
      ...flight("b", B, 0, 50, "d1"),
      fault(55, "redis-lost-data"),
      ...flight("a", A, 60, 90, "d2"),
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
};

export const BROKEN_ELECTIONS: Readonly<Record<string, BrokenHistory>> = {
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
  "a settle is accepted after a later election, in a history with a loss long before both": {
    breaks: "I2",
    lines: history(
      loss(0, 1),
      [5, "a", { ev: "lead", token: A }],
      [10, "b", { ev: "lead", token: B }],
      [20, "a", { ev: "settle-accepted", token: A, tSent: 15 }],
    ),
  },
  "a settle is accepted after the news of a later election, though its own leader heard of its place last": {
    breaks: "I2",
    lines: history(
      loss(0, 1),
      [10, "b", { ev: "lead", token: B }],
      [12, "a", { ev: "lead", token: A }],
      [20, "a", { ev: "settle-accepted", token: A, tSent: 15 }],
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
};
