/** The error of wrong options is the package's own, since nothing of core is imported at run time; and just like core's. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidOptionError as CoreError } from "@skein/core";
import { expect, test } from "vitest";
import { InvalidOptionError } from "./index.ts";

const SKEIN_IMPORT = /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["'](@skein\/[^"']*)["']/gu;

test("the built files import no package of Skein, types aside", async () => {
  const dist = fileURLToPath(new URL("../dist/", import.meta.url));
  // Folders in there are those of other tests.
  const entries = await readdir(dist, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".js"));
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["index.js", "otel-observer.js"]));
  const texts = await Promise.all(files.map(({ name }) => readFile(join(dist, name), "utf8")));
  expect(texts.flatMap((text) => Array.from(text.matchAll(SKEIN_IMPORT), ([, name]) => name))).toEqual([]);
});

test("what it takes for an import is one", () => {
  const code = `import { a } from "@skein/core";\nimport "@skein/b";\nexport * from '@skein/c';\nawait import("@skein/d");`;
  expect(Array.from(code.matchAll(SKEIN_IMPORT), ([, name]) => name)).toHaveLength(4);
});

const values = [
  5,
  -0.5,
  7n,
  "x".repeat(70),
  'say "no"',
  null,
  undefined,
  true,
  Symbol("s"),
  [1, 2],
  { secret: 1 },
  Object.create(null) as unknown,
  () => 1,
];

test.each(values.map((value) => ({ value })))("$value is refused as core would refuse it", ({ value }) => {
  const own = new InvalidOptionError("maxPrefixes", value, "must be otherwise");
  const core = new CoreError("maxPrefixes", value, "must be otherwise");
  expect(own).toBeInstanceOf(Error);
  expect(own).not.toBeInstanceOf(CoreError);
  const told = ({ name, code, message, option }: typeof own | typeof core): object => ({
    name,
    code,
    message,
    option,
  });
  expect(told(own)).toEqual(told(core));
  expect(String(own)).toBe(String(core));
});

test("docs/ERRORS.md lists it, with who sees it, why, and what to do", async () => {
  const text = await readFile(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("@skein/metrics")) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const { code, name } = new InvalidOptionError("x", 1, "rule");
  expect(rows.map((row) => row.split("|").slice(1, 3))).toEqual([[` \`${code}\` `, ` \`${name}\` `]]);
  expect(rows[0]?.split("|").slice(1, -1)).toHaveLength(5);
});
