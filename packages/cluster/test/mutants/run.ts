/**
 * Makes one line of the protocol wrong at a time, in a copy of the repository, and lets the tests that are named for it find
 * out. Started by `scripts/mutants`; fails when one survives.
 *
 *     run.ts [--only no-poll,drop-the-fence] [--simulation] [--json] [--write]
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { mutantsDocument, type MutantResult } from "./mutants-document.ts";
import { ScratchCopy } from "./scratch-copy.ts";
import { tryTests, type Verdict } from "./trial.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const DOCUMENT = join(ROOT, "docs/MUTANTS.md");
/** For the tests of all mutants, one after the other, without any of them. */
const ALL_LIMIT_MS = 900_000;
const SIMULATION = "packages/cluster/test/simulation/simulation.test.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    simulation: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const names = values.only?.split(",");
const unknown = names?.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown !== undefined) {
  process.stderr.write(`mutants: there is none named ${unknown}\n`);
  process.exit(2);
}
const chosen = MUTANTS.filter(({ name }) => names?.includes(name) ?? true);
const simulates = values.simulation || (values.write && names === undefined);

await using copy = await ScratchCopy.of(ROOT);
await everythingIsWell(chosen);
const results: MutantResult[] = [];
for (const mutant of chosen) {
  const result = await copy
    .withMutant(mutant, () => tryMutant(mutant))
    .catch((error: unknown): MutantResult => {
      return { mutant, verdict: { is: "undecided", why: String(error) } };
    });
  results.push(result);
  if (!values.json) print(result);
}
process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : `${summary()}\n`);
if (values.write && names === undefined) {
  await writeFile(DOCUMENT, mutantsDocument(results, { node: process.versions.node }));
}
process.exitCode = count("killed") === results.length ? 0 : 1;

/** A test that fails without a mutant tells nothing about one. */
async function everythingIsWell(mutants: readonly Mutant[]): Promise<void> {
  const named = mutants.flatMap(({ killers }) => killers);
  const files = [...new Set(simulates ? [...named, SIMULATION] : named)];
  const verdict = await tryTests(copy.directory, files, { limitMs: ALL_LIMIT_MS });
  if (verdict.is !== "survived") throw new Error(`without any mutant: ${tellingOf(verdict)}`);
}

async function tryMutant(mutant: Mutant): Promise<MutantResult> {
  const verdict = await tryTests(copy.directory, mutant.killers);
  if (!simulates) return { mutant, verdict };
  // It plays what runs in processes; of scripts it knows only what they are modelled by.
  if (!mutant.file.endsWith(".ts") || mutant.file.includes("/redis/")) return { mutant, verdict };
  if (mutant.killers.includes(SIMULATION)) return { mutant, verdict, simulation: verdict };
  return { mutant, verdict, simulation: await tryTests(copy.directory, [SIMULATION]) };
}

function print({ mutant, verdict, simulation }: MutantResult): void {
  process.stdout.write(`${verdict.is.padEnd(9)}  ${mutant.name}: ${mutant.harm} (${mutant.breaks})\n`);
  process.stdout.write(`           ${tellingOf(verdict)}\n`);
  if (simulation !== undefined) process.stdout.write(`           simulation: ${tellingOf(simulation)}\n`);
}

function tellingOf(verdict: Verdict): string {
  if (verdict.is === "killed") return `${verdict.by}: ${verdict.test}`;
  return verdict.is === "undecided" ? verdict.why : "no test failed";
}

function summary(): string {
  return `${count("killed")} killed, ${count("survived")} survived, ${count("undecided")} undecided`;
}

function count(is: Verdict["is"]): number {
  return results.filter(({ verdict }) => verdict.is === is).length;
}
