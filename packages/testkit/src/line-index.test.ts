import { describe, expect, it, vi } from "vitest";
import type { HistoryLine } from "./history.ts";
import { linesWith } from "./line-index.ts";

const line = (process: string, tMono: number): HistoryLine => {
  return { tMono, tRedis: 0, process, call: "c", key: "k", ev: "call" };
};
const HISTORY = [line("a", 1), line("b", 2), line("a", 3), line("none", 4)];

describe("the lines of a history", () => {
  it("are found by what they are about, in their order", () => {
    const process = (one: HistoryLine): string => one.process;
    expect(linesWith(HISTORY, process, "a")).toEqual([HISTORY[0], HISTORY[2]]);
    expect(linesWith(HISTORY, process, "z")).toEqual([]);
  });

  it("are not found where they are about nothing", () => {
    const named = (one: HistoryLine): string | undefined => (one.process === "none" ? undefined : "named");
    expect(linesWith(HISTORY, named, "named")).toHaveLength(3);
  });

  it("are read once, however often they are asked for", () => {
    const aspect = vi.fn((one: HistoryLine): string => one.process);
    for (const name of ["a", "b", "a", "z"]) linesWith(HISTORY, aspect, name);
    expect(aspect).toHaveBeenCalledTimes(HISTORY.length);
  });

  it("of another history are another's", () => {
    const process = (one: HistoryLine): string => one.process;
    linesWith(HISTORY, process, "a");
    expect(linesWith(HISTORY.slice(0, 1), process, "a")).toEqual([HISTORY[0]]);
  });
});
