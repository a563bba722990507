import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, HistoryWriter, monotonicMs, readHistory } from "./history.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-test-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a history", () => {
  it("is read back in the order of time, whoever wrote it", () => {
    using one = new HistoryWriter(directory, "one");
    using two = new HistoryWriter(directory, "two");
    const before = monotonicMs();
    two.record({ ev: "call", key: "k", call: "1", deadlineMs: 100 });
    one.record({ ev: "lead", key: "k", token: "1-one-x" });
    two.record({ ev: "return", key: "k", call: "1", digest: "d" });
    const lines = readHistory(directory);
    expect(lines.map(({ process, ev }) => `${process} ${ev}`)).toStrictEqual([
      "two call",
      "one lead",
      "two return",
    ]);
    expect(lines[0]).toMatchObject({ key: "k", call: "1", deadlineMs: 100 });
    expect(lines[0]!.tMono).toBeGreaterThanOrEqual(before);
    expect(lines[2]!.tMono).toBeLessThanOrEqual(monotonicMs());
  });

  it("survives a line that was torn by the death of its writer", () => {
    using writer = new HistoryWriter(directory, "torn");
    writer.record({ ev: "start", key: "k" });
    appendFileSync(join(directory, "torn.jsonl"), '{"tMono":5,"proc');
    expect(readHistory(directory)).toHaveLength(1);
  });

  it("is not read when it is damaged elsewhere", () => {
    writeFileSync(join(directory, "bad.jsonl"), '{"tMono":1}\n{"tMo\n{"tMono":2}\n');
    expect(() => readHistory(directory)).toThrow("bad.jsonl, line 2");
  });

  it("belongs to one life of one process", () => {
    using _first = new HistoryWriter(directory, "p1");
    expect(() => new HistoryWriter(directory, "p1")).toThrow("EEXIST");
    expect(() => new HistoryWriter(directory, "../p1")).toThrow(RangeError);
  });

  it("ignores other files, and an empty one", () => {
    writeFileSync(join(directory, "notes.txt"), "not JSON");
    writeFileSync(join(directory, "empty.jsonl"), "");
    expect(readHistory(directory)).toStrictEqual([]);
  });
});

describe("digestOf", () => {
  it("is equal for equal values and differs for others, undefined and null among them", () => {
    expect(digestOf({ a: [1, "x"] })).toBe(digestOf({ a: [1, "x"] }));
    expect(new Set([undefined, null, 0, "", "0", {}].map(digestOf)).size).toBe(6);
  });
});
