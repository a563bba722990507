/**
 * Runs rows of the table of faults by number and prints what was injected, what was seen, and the figure. Started by
 * `scripts/faults`.
 *
 *     run.ts [--only 1,3,9] [--json] [--write]
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reliabilityDocument, rowsOf, type RowResult } from "./reliability-document.ts";

const ROOT = fileURLToPath(new URL("../../../../../", import.meta.url));
const DOCUMENT = join(ROOT, "docs/RELIABILITY.md");

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const only = values.only?.split(",").map(Number);
if (only?.some((row) => !Number.isInteger(row) || row < 1 || row > 30)) {
  process.stderr.write(`faults: --only takes numbers from 1 to 30, not ${values.only}\n`);
  process.exit(2);
}

const directory = await mkdtemp(join(tmpdir(), "skein-faults-"));
try {
  const output = join(directory, "results.json");
  const names = only === undefined ? [] : ["-t", `^fault (${only.join("|")}):`];
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(
    process.execPath,
    [
      vitest,
      "run",
      "--config",
      join(ROOT, ".vitest.config.ts"),
      "--project",
      "crash",
      "--reporter=json",
      `--outputFile=${output}`,
      "packages/cluster/test/crash/faults",
      ...names,
    ],
    { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] },
  );
  await new Promise((resolve) => child.on("close", resolve));
  const rows = rowsOf(JSON.parse(await readFile(output, "utf8")));
  if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else for (const row of rows) print(row);
  if (values.write && only === undefined) {
    await writeFile(
      DOCUMENT,
      reliabilityDocument(rows, { node: process.versions.node, cores: availableParallelism() }),
    );
  }
  process.exitCode = rows.length > 0 && rows.every(({ result }) => result !== "failed") ? 0 : 1;
} finally {
  await rm(directory, { recursive: true });
}

function print({ row, fault, injected, seen, figure, result, failure }: RowResult): void {
  process.stdout.write(`${String(row).padStart(2)}  ${result.padEnd(10)}  ${fault}\n`);
  process.stdout.write(`      injected: ${injected}\n      to see:   ${seen}\n`);
  if (figure !== "") process.stdout.write(`      figure:   ${figure}\n`);
  if (failure !== undefined) process.stdout.write(`      failure:  ${failure}\n`);
}
