/** The model of the protocol holds what it has to, and fails where it has to; `scripts/model` checks the large part. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { MODEL_RUNS, nameOf } from "./model-run.ts";
import { checkWithSpin, verdictIn } from "./spin.ts";

const MAX_RUN_MS = 120_000;

const isThere = (program: string, flag: string): boolean =>
  spawnSync(program, [flag], { stdio: "ignore" }).error === undefined;
const runs = isThere("spin", "-V") && isThere("cc", "--version");
if (!runs) process.stderr.write("NOT RUN: the model needs spin and a C compiler (Debian: spin, gcc).\n");

const small = MODEL_RUNS.filter((run) => run.small);
let states = 0;

describe.skipIf(!runs)("the model", { timeout: 2 * MAX_RUN_MS }, () => {
  test.each(small.map((run) => ({ ...run, name: nameOf(run) })))("$name: $expected", async (run) => {
    const found = await checkWithSpin(run, MAX_RUN_MS);
    states += found.states;
    expect(found.verdict).toBe(run.expected);
  });

  test("was explored", () => {
    process.stderr.write(`model: ${small.length} checks, ${states.toLocaleString("en")} states explored\n`);
    expect(states).toBeGreaterThan(0);
  });

  test("finds out what is wrong with a switch that does not exist", async () => {
    await expect(
      checkWithSpin({ claim: "once", switches: ["CRASHES=none"], small: true }, MAX_RUN_MS),
    ).rejects.toThrow("spin");
  });
});

describe("a report of Spin", () => {
  const stored = "     1234 states, stored\n";

  test("is a verdict when the search came to an end", () => {
    expect(verdictIn(`State-vector 1 byte, depth reached 9, errors: 0\n${stored}`)).toEqual({
      verdict: "holds",
      states: 1_234,
    });
    expect(verdictIn(`State-vector 1 byte, depth reached 9, errors: 1\n${stored}`)).toEqual({
      verdict: "fails",
      states: 1_234,
    });
  });

  test.each([
    "error: max search depth too small",
    "pan: reached -DMEMLIM bound",
    "pan: out of memory",
    "Warning: Search not completed",
  ])("is none when it did not: %s", (why) => {
    expect(() => verdictIn(`${why}\nerrors: 0\n${stored}`)).toThrow("not complete");
  });

  test("is none when it says nothing", () => {
    expect(() => verdictIn("")).toThrow("no verdict");
  });
});
