import { describe, expect, it } from "vitest";
import { expiriesOf, tooExpensive, type Execution } from "./expiries.ts";

const TTL_MS = 1_000;

function execution(
  startedAtMs: number,
  endedAtMs: number | null,
  container = "aaa",
  key = "report",
): Execution {
  return { key, process: `${container}-7`, startedAtMs, endedAtMs };
}

describe("the executions of a kept report", () => {
  it("are one for each expiry when every one waits for the end of the entry before", () => {
    const expiries = expiriesOf([execution(0, 50), execution(960, 1_000), execution(2_000, 2_010)], TTL_MS);
    expect(expiries.map(({ executions }) => executions.length)).toEqual([1, 1, 1]);
    expect(tooExpensive(expiries, [])).toEqual([]);
  });

  it("are too many when a second one begins while an entry must still be there", () => {
    const expiries = expiriesOf([execution(0, 50), execution(940, 990)], TTL_MS);
    expect(tooExpensive(expiries, [])).toHaveLength(1);
  });

  it("are too many when two run side by side", () => {
    expect(tooExpensive(expiriesOf([execution(0, 50), execution(10, 60, "bbb")], TTL_MS), [])).toHaveLength(
      1,
    );
  });

  it("are counted for each key alone", () => {
    const expiries = expiriesOf([execution(0, 50), execution(0, 50, "aaa", "other")], TTL_MS);
    expect(expiries).toHaveLength(2);
  });

  it("may be one more when a leader was stopped meanwhile, and no more than that", () => {
    const stop = { container: "aaa0123", fromMs: 20, toMs: 100 };
    const killed = [execution(0, null), execution(110, 200, "bbb")];
    expect(tooExpensive(expiriesOf(killed, TTL_MS), [stop])).toEqual([]);
    expect(tooExpensive(expiriesOf([...killed, execution(150, 210, "ccc")], TTL_MS), [stop])).toHaveLength(1);
  });

  it("are not excused by the stop of a replica that led something else, or at another time", () => {
    const twice = expiriesOf([execution(0, 50), execution(60, 90, "bbb")], TTL_MS);
    expect(tooExpensive(twice, [{ container: "ccc0123", fromMs: 0, toMs: 100 }])).toHaveLength(1);
    expect(tooExpensive(twice, [{ container: "aaa0123", fromMs: 200, toMs: 300 }])).toHaveLength(1);
  });
});
