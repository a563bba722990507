import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BROKEN_ANSWERS, SOUND_ANSWERS } from "../test/histories/answers.ts";
import { BROKEN_ELECTIONS, SOUND_ELECTIONS } from "../test/histories/elections.ts";
import { EXPLAINED_OVERLAPS } from "../test/histories/explained-overlaps.ts";
import { history, type BrokenHistory, type SoundHistory } from "../test/histories/moments.ts";
import { UNEXPLAINED_OVERLAPS } from "../test/histories/unexplained-overlaps.ts";
import type { HistoryLine } from "./history.ts";
import { checkHistory, expectHistoryHolds, type HistoryCheckOptions } from "./history-checker.ts";
import type { InvariantName } from "./violation.ts";

const GOOD: Readonly<Record<string, SoundHistory>> = {
  ...SOUND_ELECTIONS,
  ...SOUND_ANSWERS,
  ...EXPLAINED_OVERLAPS,
};
const BAD: Readonly<Record<string, BrokenHistory>> = {
  ...BROKEN_ELECTIONS,
  ...BROKEN_ANSWERS,
  ...UNEXPLAINED_OVERLAPS,
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
