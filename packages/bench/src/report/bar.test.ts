import { expect, it } from "vitest";
import { bar, formatFigure } from "./bar.ts";

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
