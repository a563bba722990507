/**
 * Spin on the model: generates a verifier, compiles and runs it. A run that ended for want of memory, depth or time says
 * nothing about the claim, and is an error rather than a verdict.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ModelRun } from "./model-run.ts";

const MODEL = fileURLToPath(new URL("flight.pml", import.meta.url));
/** Room for the stack of the search is taken at once. */
const MAX_DEPTH = { small: 2_000_000, large: 30_000_000 };
const MAX_MEMORY_MB = 8_000;
/** Claims that something comes to pass need fairness: whoever can go on does so at last. */
const LIVENESS: ReadonlySet<string> = new Set(["answered"]);
const FAIR_PROCESSES = 8;

const run = promisify(execFile);

export interface SpinVerdict {
  readonly verdict: "holds" | "fails";
  readonly states: number;
  readonly tookMs: number;
}

/** @throws Error when Spin or the compiler cannot be run, or when the search did not come to an end. */
export async function checkWithSpin(
  { claim, switches, small }: Pick<ModelRun, "claim" | "switches" | "small">,
  maxMs: number,
): Promise<SpinVerdict> {
  const cwd = await mkdtemp(join(tmpdir(), "skein-model-"));
  try {
    const began = performance.now();
    await run("spin", [...switches.map((name) => `-D${name}`), "-a", MODEL], { cwd });
    const fairness = LIVENESS.has(claim) ? [`-DNFAIR=${FAIR_PROCESSES}`] : ["-DNOFAIR"];
    // A small search is over before a compiler has made it faster.
    const compile = [
      small ? "-O0" : "-O2",
      "-w",
      "-DCOLLAPSE",
      "-DVECTORSZ=2048",
      `-DMEMLIM=${MAX_MEMORY_MB}`,
      ...fairness,
    ];
    await run("cc", [...compile, "-o", "pan", "pan.c"], { cwd });
    const search = [
      `-m${small ? MAX_DEPTH.small : MAX_DEPTH.large}`,
      "-a",
      ...(LIVENESS.has(claim) ? ["-f"] : []),
      "-N",
      claim,
    ];
    const { stdout } = await run(join(cwd, "pan"), search, { cwd, timeout: maxMs, maxBuffer: 2 ** 24 });
    return { ...verdictIn(stdout), tookMs: performance.now() - began };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** @throws Error for a report of a search that did not come to an end. */
export function verdictIn(report: string): Pick<SpinVerdict, "verdict" | "states"> {
  const errors = /errors: (\d+)/u.exec(report)?.[1];
  const states = /^\s*(\S+) states, stored/mu.exec(report)?.[1];
  const unfinished =
    /max search depth too small|out of memory|reached -DMEMLIM|hash table too small|Search not completed/u;
  if (errors === undefined || states === undefined) throw new Error(`Spin gave no verdict:\n${report}`);
  // A search stops at the first error, which needs no more than to be found.
  if (errors === "0" && unfinished.test(report)) throw new Error(`Spin's search is not complete:\n${report}`);
  return { verdict: errors === "0" ? "holds" : "fails", states: Number(states) };
}
