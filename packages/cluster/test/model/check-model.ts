/**
 * Checks the model and prints a table: claim, switches, what is expected, the verdict, states, time. Exits with 0 only if
 * every verdict is the expected one. Started by `scripts/model`.
 *
 *     check-model.ts [--small] [--json] [--write]
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MODEL_RUNS, nameOf, type ModelRun } from "./model-run.ts";
import { checkWithSpin, type SpinVerdict } from "./spin.ts";

const DOCUMENT = fileURLToPath(new URL("../../../../docs/MODEL.md", import.meta.url));
const MAX_RUN_MS = 1_800_000;

type Result = ModelRun & (SpinVerdict | { readonly verdict: "error"; readonly why: string });

const { values } = parseArgs({
  options: {
    small: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

async function check(run: ModelRun): Promise<Result> {
  process.stderr.write(`model: ${nameOf(run)}\n`);
  try {
    return { ...run, ...(await checkWithSpin(run, MAX_RUN_MS)) };
  } catch (error) {
    return { ...run, verdict: "error", why: error instanceof Error ? error.message : String(error) };
  }
}

function row(result: Result): string {
  const { claim, switches, expected, verdict } = result;
  const verdictCell = verdict === expected ? verdict : `**${verdict}**`;
  const cost =
    "states" in result ? [result.states.toLocaleString("en"), (result.tookMs / 1_000).toFixed(1)] : ["", ""];
  return `| ${[claim, switches.map((name) => `\`${name}\``).join(" "), expected, verdictCell, ...cost].join(" | ")} |`;
}

function tableOf(results: readonly Result[]): string {
  const head = ["| claim | switches | expected | verdict | states | s |", "|---|---|---|---|---:|---:|"];
  return [...head, ...results.map(row)].join("\n");
}

/** Puts the table between the document's marks. */
async function write(table: string): Promise<void> {
  const document = await readFile(DOCUMENT, "utf8");
  const marks = /(?<=<!-- checks -->\n)[^]*(?=<!-- \/checks -->)/u;
  if (!marks.test(document)) throw new Error("docs/MODEL.md has no marks for the checks");
  await writeFile(DOCUMENT, document.replace(marks, `\n${table}\n\n`));
}

const results: Result[] = [];
for (const run of MODEL_RUNS) if (run.small || !values.small) results.push(await check(run));
const wrong = results.filter(({ verdict, expected }) => verdict !== expected);
const states = results.reduce((sum, result) => sum + ("states" in result ? result.states : 0), 0);
if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
else process.stdout.write(`${tableOf(results)}\n`);
process.stderr.write(
  `model: ${results.length} checks, ${wrong.length} not as expected, ${states.toLocaleString("en")} states\n`,
);
for (const result of wrong) if ("why" in result) process.stderr.write(`${nameOf(result)}: ${result.why}\n`);
if (values.write && !values.small) await write(tableOf(results));
process.exitCode = wrong.length === 0 ? 0 : 1;
