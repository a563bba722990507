import { expect, it } from "vitest";
import { bar, formatFigure, reported, verdictOn } from "./bar.ts";

it("is met by the figure and by nothing else", () => {
  const met = [
    bar("c", 0.9, { atLeast: 0.9 }),
    bar("c", 0.899, { atLeast: 0.9 }),
    bar("c", 2, { atMost: 2 }),
    bar("c", 2.01, { atMost: 2 }),
    bar("c", 999, { below: 1_000 }),
    bar("c", 1_000, { below: 1_000 }),
    bar("c", null, { atLeast: 0 }),
    bar("c", Number.NaN, { atMost: 1 }),
  ].map((each) => each.met);
  expect(met).toEqual([true, false, true, false, true, false, false, false]);
});

it("is neither met nor not met when a figure is only reported", () => {
  expect(verdictOn(reported("c", 2))).toBe("");
  expect([bar("c", 1, { atLeast: 1 }), bar("c", 1, { atLeast: 2 })].map(verdictOn)).toEqual([
    "met",
    "not met",
  ]);
});

it("says its bound in few digits", () => {
  expect([bar("c", 1, { atMost: 1 / 3 }).rule, bar("c", 1, { below: 1_000 }).rule]).toEqual([
    "<= 0.3333",
    "< 1000",
  ]);
});

it.each([
  [1234.5, "1235"],
  [12.345, "12.3"],
  [0.12345, "0.123"],
  [0.0001234, "0.000123"],
  [0, "0"],
  [null, "not measured"],
])("shows %s as %s", (figure, text) => {
  expect(formatFigure(figure)).toBe(text);
});
