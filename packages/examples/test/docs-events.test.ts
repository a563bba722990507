// The documents know every event, reason and log line of the code, and no other.

import type { ClusterEvent } from "@skein/cluster";
import { describe, expect, it } from "vitest";
import { logObserver } from "../../cluster/dist/logger.js";
import { codeWords, Markdown, readSource } from "./markdown.ts";

const operations = await Markdown.read("docs/OPERATIONS.md");
const cluster = await readSource("packages/cluster/src/observer.ts");
const core = await readSource("packages/core/src/observer.ts");
const results = await readSource("packages/core/src/flight-result.ts");
const outcome = await readSource("packages/cluster/src/outcome.ts");

const rows = operations
  .table("Events")
  .map(([type = "", level = "", meaning = ""]) => ({ type: type.replaceAll("`", ""), level, meaning }));
const types = Array.from(`${core}${cluster}`.matchAll(/\btype: "([\w-]+)"/gu), ([, type = ""]) => type);

describe("the documented events", () => {
  it("are all that there are", () => {
    expect(rows.map(({ type }) => type).toSorted()).toEqual([...new Set(types)].toSorted());
  });

  it.each(rows)("are logged at the level that is named: $type", ({ type, level }) => {
    expect(levelOf(type)).toBe(level);
  });

  it("leave the resignation of an unwanted flight out of the log", () => {
    expect(levelOf("resign", { reason: "unwanted" })).toBe("");
    expect(levelOf("resign", { reason: "closed" })).toBe("info");
  });

  it.each([
    ["takeover", wordsOf(cluster, "TakeoverReason")],
    ["resign", wordsOf(cluster, "ResignReason")],
    ["rejected", wordsOf(cluster, "RejectedWhy")],
    ["fallback-refused", wordsOf(cluster, "FallbackRefusedWhy")],
    ["unshareable", wordsOf(outcome, "UnshareableWhy")],
    ["call-refused", wordsOf(core, "RefusedWhy")],
    ["lease-lost", quoted(/type: "lease-lost"; why: ([^}]*)\}/u.exec(cluster)?.[1])],
    ["breaker", quoted(/type: "breaker"; state: ([^}]*)\}/u.exec(cluster)?.[1])],
  ])("name every reason of %s", (type, reasons) => {
    // Options are named beside them.
    const named = codeWords(rows.find((row) => row.type === type)?.meaning ?? "").filter(isKebab);
    expect(reasons.length).toBeGreaterThan(1);
    expect([...new Set(named)].toSorted()).toEqual(reasons.toSorted());
  });
});

describe("the documented reasons of a fallback", () => {
  it("are all that there are", () => {
    const named = operations.table("Fallback").map(([reason = ""]) => reason.replaceAll("`", ""));
    expect(named.toSorted()).toEqual(wordsOf(results, "FallbackReason").toSorted());
  });
});

describe("the promises", () => {
  it("name for each exception an event that exists, with a reason that exists", async () => {
    const guarantees = await Markdown.read("docs/GUARANTEES.md");
    const reasons = new Set([
      ...quoted(cluster),
      ...quoted(core),
      ...quoted(results),
      ...quoted(outcome),
      "aborted: true",
    ]);
    const exceptions = guarantees.table("P1: one execution at a time");
    expect(exceptions.length).toBeGreaterThan(10);
    for (const [, , recorded = ""] of exceptions) {
      const events = codeWords(recorded.replaceAll(/\([^)]*\)/gu, ""));
      expect(events.length).toBeGreaterThan(0);
      for (const word of events) expect([...types, "aborted: true"]).toContain(word);
      for (const word of codeWords(recorded)) expect([...reasons]).toContain(word);
    }
  });
});

describe("words with a hyphen in the documents", () => {
  it.each(["docs/GUARANTEES.md", "docs/ARCHITECTURE.md", "docs/OPERATIONS.md"])(
    "are events and reasons of the code: %s",
    async (path) => {
      const known = new Set([...quoted(cluster), ...quoted(core), ...quoted(results), ...quoted(outcome)]);
      const words = codeWords((await Markdown.read(path)).prose).filter((word) =>
        /^[a-z]+(?:-[a-z]+)+$/u.test(word),
      );
      const elsewhere = new Set(["redis-cli", "maxmemory-policy"]);
      expect(words.filter((word) => !known.has(word) && !elsewhere.has(word))).toEqual([]);
    },
  );
});

function isKebab(word: string): boolean {
  return /^[a-z-]+$/u.test(word);
}

/** "" when the event is not logged. */
function levelOf(type: string, fields: object = {}): string {
  let logged = "";
  const at = (level: string) => (): void => {
    logged = level;
  };
  const observer = logObserver({
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  });
  observer.onEvent({ type, ...fields } as ClusterEvent);
  return logged;
}

/** The members of a union of words. */
function wordsOf(source: string, name: string): string[] {
  return quoted(new RegExp(`export type ${name} =([^;]*);`, "su").exec(source)?.[1]);
}

function quoted(text: string | undefined): string[] {
  return Array.from((text ?? "").matchAll(/"([\w-]+)"/gu), ([, word = ""]) => word);
}
