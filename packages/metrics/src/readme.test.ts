/** The README's code runs and prints what it says, and its table is the list of metrics. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { metricDefinitions } from "./metric-names.ts";

const packageDirectory = fileURLToPath(new URL("../", import.meta.url));
const readme = await readFile(join(packageDirectory, "README.md"), "utf8");
const snippets = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gmsu), ([, code = ""]) => code);

let directory = "";

beforeAll(async () => {
  // Inside the package, so that its name and its peers are found; ignored by git.
  await mkdir(join(packageDirectory, "dist"), { recursive: true });
  directory = await mkdtemp(join(packageDirectory, "dist", "snippets-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test.each(snippets.map((code, index) => ({ index, code })))(
  "snippet $index runs and prints what it says",
  async ({ index, code }) => {
    const file = join(directory, `snippet-${index}.ts`);
    await writeFile(file, code);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      file,
    ]);
    const said = Array.from(code.matchAll(/console\.\w+\(.*\); \/\/ (.*)$/gmu), ([, text = ""]) => text);
    expect(said.length).toBeGreaterThan(0);
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, -1)).toEqual(said);
  },
);

test("the snippets have the right types", async () => {
  await Promise.all(snippets.map((code, index) => writeFile(join(directory, `typed-${index}.ts`), code)));
  const compilerOptions = {
    target: "es2024",
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
  };
  await writeFile(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["typed-*.ts"] }),
  );
  const tsc = join(packageDirectory, "../../node_modules/.bin/tsc");
  const complaints = await promisify(execFile)(tsc, ["-p", directory]).then(
    () => "",
    (error: unknown) => String(Reflect.get(Object(error), "stdout")),
  );
  expect(complaints).toBe("");
});

test("the table names every metric with its labels, and no other", () => {
  const rows = Array.from(
    readme.matchAll(/^\| `(singleflight_\w+)` \|([^|]*)\|/gmu),
    ([, name = "", labels = ""]) => ({
      name,
      labels: Array.from(labels.matchAll(/`(\w+)`/gu), ([, label]) => label),
    }),
  );
  const expected = Object.values(metricDefinitions).map(({ name, labels }) => ({
    name,
    labels: labels.map(({ label }) => label),
  }));
  expect(rows).toEqual(expected);
});

test("the table of options says the default", () => {
  expect(readme).toContain("| `maxPrefixes` | 100 |");
});
