/** Some test files, run in a copy of the repository, and the first that failed. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { runProgram } from "./program.ts";

/** Far more than the slowest file takes: a mutant that makes tests wait is told by their own time limits. */
const LIMIT_MS = 240_000;

export type Verdict =
  | { readonly is: "killed"; readonly by: string; readonly test: string }
  | { readonly is: "survived" }
  /** The tests did not run, or did not end: nothing is known. */
  | { readonly is: "undecided"; readonly why: string };

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** `files`: from the root. Stops at the first failure. */
export async function tryTests(
  directory: string,
  files: readonly string[],
  { limitMs = LIMIT_MS }: { limitMs?: number } = {},
): Promise<Verdict> {
  const reports = await mkdtemp(join(tmpdir(), "skein-trial-"));
  try {
    const output = join(reports, "results.json");
    const projects = [...new Set(files.map(projectOf))].flatMap((name) => ["--project", name]);
    const args = ["run", "--config", ".vitest.config.ts", ...projects, "--bail=1", "--reporter=json"];
    const vitest = ["node_modules/vitest/vitest.mjs", ...args, `--outputFile=${output}`, ...files];
    const end = await runProgram(process.execPath, vitest, { cwd: directory, limitMs });
    if (end.exitCode === undefined) return { is: "undecided", why: `no end within ${limitMs / 1_000} s` };
    return verdictOf(JSON.parse(await readFile(output, "utf8")) as Report, directory, end.output);
  } finally {
    await rm(reports, { recursive: true });
  }
}

function verdictOf({ testResults }: Report, directory: string, output: string): Verdict {
  let passed = 0;
  for (const { name, assertionResults } of testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === "failed") {
        return { is: "killed", by: relative(directory, name), test: fullName.trim() };
      }
      if (status === "passed") passed += 1;
    }
  }
  const broken = testResults.find(({ status }) => status === "failed");
  if (broken !== undefined) return { is: "undecided", why: broken.message ?? `${broken.name} failed` };
  return passed > 0 ? { is: "survived" } : { is: "undecided", why: `no test ran: ${output.slice(-500)}` };
}

/** As .vitest.config.ts divides them. */
function projectOf(file: string): string {
  if (/^packages\/\w+\/src\//.test(file)) return "unit";
  return /^packages\/\w+\/test\/crash\//.test(file) ? "crash" : "integration";
}
