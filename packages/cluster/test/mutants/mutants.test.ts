// The list of mutants cannot rot: every line that is to be made wrong is there, once, and every test that has to tell.
// Whether they do tell is what scripts/mutants tries.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mutated, type Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

const SAMPLE: Mutant = {
  name: "sample",
  file: "a.ts",
  before: "b();",
  after: "c();",
  breaks: "P1",
  harm: "none",
  killers: [],
};

describe("a mutant", () => {
  it("is one line, with the indentation that it has", () => {
    expect(mutated("a();\n  b();\nb() ;\n", SAMPLE)).toBe("a();\n  c();\nb() ;\n");
  });

  it("may be the first below another line", () => {
    const source = "b();\nhere {\n  b();\n}\nb();\n";
    expect(mutated(source, { ...SAMPLE, below: "here {" })).toBe("b();\nhere {\n  c();\n}\nb();\n");
  });

  it.each([
    ["missing", "a();\n"],
    ["there twice", "b();\nb();\n"],
  ])("is refused when its line is %s", (_, source) => {
    expect(() => mutated(source, SAMPLE)).toThrow(
      /sample: this line stands [02] times in a\.ts, not once: b\(\);/,
    );
  });

  it.each([
    ["missing", "b();\n"],
    ["there twice", "here {\nb();\nhere {\nb();\n"],
    ["below it", "b();\nhere {\n"],
  ])("is refused when the line above it is %s", (_, source) => {
    expect(() => mutated(source, { ...SAMPLE, below: "here {" })).toThrow("not once");
  });
});

describe("the list of mutants", () => {
  it("names each once", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "knows the line of %s, and tests that have to tell",
    async (_, mutant) => {
      const source = await readFile(join(ROOT, mutant.file), "utf8");
      expect(mutated(source, mutant)).not.toBe(source);
      expect(mutant.killers.length).toBeGreaterThan(0);
      for (const killer of mutant.killers) {
        expect(killer).toMatch(/\.test\.ts$/);
        expect(existsSync(join(ROOT, killer))).toBe(true);
      }
    },
  );
});

describe("docs/MUTANTS.md", () => {
  it("tells of each, as it is, and of none that survived", async () => {
    const text = await readFile(join(ROOT, "docs/MUTANTS.md"), "utf8");
    const rows = [...text.matchAll(/^\| ([a-z-]+) \| ([PI]\d+) \| (.+?) \| `\S+\.test\.ts`: .+ \|$/gm)];
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      MUTANTS.map(({ name, breaks, harm }) => [name, breaks, harm]),
    );
    for (const { before, after } of MUTANTS) {
      expect(text).toContain(after === "" ? `- ${before}\n` : `- ${before}\n+ ${after}\n`);
    }
  });
});
