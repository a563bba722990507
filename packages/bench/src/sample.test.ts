import { expect, it } from "vitest";
import { percentile, ratios, spreadOf } from "./sample.ts";

it("knows the middle, the quartiles and the ends", () => {
  const values = [5, 1, 4, 2, 3];
  expect(spreadOf(values)).toEqual({ median: 3, low: 2, high: 4 });
  expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 3, 5, 5]);
});

it("compares round by round", () => {
  expect(ratios([2, 9], [1, 3])).toEqual([2, 3]);
  expect(() => ratios([1], [])).toThrow("rounds");
  expect(() => percentile([], 0.5)).toThrow("no values");
});
