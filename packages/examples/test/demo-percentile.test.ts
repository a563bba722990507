import { array, assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { percentile } from "../src/demo/percentile.ts";

describe("percentile", () => {
  it("is the value at the nearest rank, whatever the order of the values", () => {
    const values = [15, 50, 20, 40, 35];
    expect(percentile(values, 5)).toBe(15);
    expect(percentile(values, 30)).toBe(20);
    expect(percentile(values, 40)).toBe(20);
    expect(percentile(values, 50)).toBe(35);
    expect(percentile(values, 100)).toBe(50);
  });

  it("is a value that at least so many percent do not exceed, and the smallest such value", () => {
    const values = array(integer(), { minLength: 1 });
    assert(
      property(values, integer({ min: 1, max: 100 }), (latencies, percent) => {
        const found = percentile(latencies, percent);
        const wanted = (percent / 100) * latencies.length;
        expect(latencies).toContain(found);
        expect(latencies.filter((value) => value <= found).length).toBeGreaterThanOrEqual(wanted);
        expect(latencies.filter((value) => value < found).length).toBeLessThan(wanted);
      }),
    );
  });

  it("refuses to invent one for no values, and percents that are none", () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
    expect(() => percentile([1], 0)).toThrow(RangeError);
    expect(() => percentile([1], 101)).toThrow(RangeError);
  });
});
