import { describe, expect, it } from "vitest";
import type { Round } from "../src/demo/round.ts";
import { duration, table } from "../src/demo/table.ts";

const none: Round = {
  name: "none",
  processes: 4,
  requests: 280,
  queries: 280,
  p50Ms: 30_250,
  p99Ms: 60_000,
  redisCommands: 0,
  errors: 0,
};
const cluster: Round = { ...none, name: "cluster", queries: 1, p50Ms: 380, p99Ms: 401, redisCommands: 12 };

describe("the demo's table", () => {
  it("has a line for each round below its heading, with figures flush right", () => {
    expect(table([none, cluster]).split("\n")).toEqual([
      "coalescing  processes  requests  queries     p50     p99  Redis commands  errors",
      "----------  ---------  --------  -------  ------  ------  --------------  ------",
      "none                4       280      280  30.3 s  60.0 s               0       0",
      "cluster             4       280        1  380 ms  401 ms              12       0",
    ]);
  });

  it("shows milliseconds below ten seconds and seconds from there on", () => {
    expect(duration(9_999)).toBe("9999 ms");
    expect(duration(10_000)).toBe("10.0 s");
  });
});
