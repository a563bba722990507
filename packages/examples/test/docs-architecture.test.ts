// docs/ARCHITECTURE.md knows every module, script and state of the code, and no other.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codeWords, filesIn, Markdown, readSource } from "./markdown.ts";

const document = await Markdown.read("docs/ARCHITECTURE.md");

describe("the map of modules", () => {
  it.each([
    ["packages/core/src", 0],
    ["packages/cluster/src", 1],
  ])("names every file of %s once", async (folder, index) => {
    const named = (document.tables("Modules")[index] ?? []).flatMap(([files = ""]) => codeWords(files));
    const files = await filesIn(folder, "**/*.ts");
    expect(named.toSorted()).toEqual(files.filter((file) => !file.endsWith(".test.ts")).toSorted());
  });
});

describe("the table of scripts", () => {
  it("names every script", async () => {
    const named = document.table("Scripts").map(([script = ""]) => script.replaceAll("`", ""));
    const files = await filesIn("packages/cluster/src/redis/scripts", "*.lua");
    expect(named.toSorted()).toEqual(files.map((file) => file.replace(".lua", "")).toSorted());
  });
});

describe("the state tables", () => {
  it.each([
    ["Participation", "participation.ts", /type Phase =(.*?);$/msu, /is: "(\w+)"/gu],
    ["Leader", "leader.ts", /^(?:export )?type State =(.*?);$/msu, /"(\w+)"/gu],
    ["Lease", "lease-keeper.ts", /^(?:export )?type LeaseState =(.*?);$/msu, /"(\w+)"/gu],
    ["Breaker", "breaker.ts", /^(?:export )?type BreakerState =(.*?);$/msu, /"([\w-]+)"/gu],
    ["Connection", "redis/connection.ts", /^(?:export )?type LinkState =(.*?);$/msu, /"(\w+)"/gu],
  ])("of %s name every state of %s", async (heading, file, union, state) => {
    const source = await readSource(join("packages/cluster/src", file));
    const declaration = union.exec(source)?.[1] ?? "";
    const inCode = new Set(Array.from(declaration.matchAll(state), ([, name = ""]) => name));
    const inTable = new Set(
      document.table(heading).flatMap(([from = "", , to = ""]) => [...codeWords(from), ...statesIn(to)]),
    );
    expect(inCode.size).toBeGreaterThan(2);
    expect([...inTable].toSorted()).toEqual([...inCode].toSorted());
  });
});

/** A cell may also name what decides between two states. */
function statesIn(cell: string): string[] {
  return codeWords(cell).filter((word) => /^[a-z-]+$/u.test(word));
}
