// The whole demo, as ./scripts/demo runs it: real Postgres, real Redis, real processes, a real SIGKILL.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "@skein/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));
const MAX_DEMO_MS = 400_000;

let temporaryDir = "";

beforeEach(async () => {
  // Everything that the demo puts on disk goes here, and all its processes inherit the name: so both can be found again.
  temporaryDir = await mkdtemp(join(tmpdir(), "demo-test-"));
  await chmod(temporaryDir, 0o755);
});

afterEach(async () => {
  await rm(temporaryDir, { recursive: true, force: true });
});

describe("the demo", { timeout: MAX_DEMO_MS }, () => {
  it("shows a stampede that costs hundreds of queries, then four, then one, and survives its leader", async () => {
    const demo = start(["--json"]);
    const { code, stdout, stderr } = await ended(demo);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout.trimEnd()).not.toContain("\n");
    const result: unknown = JSON.parse(stdout);
    const round = { processes: 4, requests: 280, p50Ms: POSITIVE, p99Ms: POSITIVE, errors: 0 };
    expect(result).toStrictEqual({
      rounds: [
        { name: "none", ...round, queries: 280, redisCommands: 0 },
        { name: "in-process", ...round, queries: ONE_TO_FOUR, redisCommands: 0 },
        { name: "cluster", ...round, queries: 1, redisCommands: POSITIVE },
      ],
      leaderKilled: { requests: 210, answered: 210, queries: 2, takeoverMs: POSITIVE },
    });
    await nothingIsLeft();
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "leaves nothing behind when ended by %s",
    async (signal) => {
      const demo = start([]);
      await untilTheStampede(demo);
      const leaving = ended(demo);
      demo.kill(signal);
      const { code, stdout } = await leaving;
      expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: null }[signal]);
      expect(stdout).toBe("");
      await nothingIsLeft();
    },
  );

  it("runs twice at the same time without the two meeting", async () => {
    const demos = [start([]), start([])];
    await Promise.all(demos.map(untilTheStampede));
    for (const demo of demos) demo.kill("SIGTERM");
    await Promise.all(demos.map(ended));
    await nothingIsLeft();
  });

  it("says what it can do, and what it cannot", async () => {
    const help = await ended(start(["--help"]));
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("--json");
    const mistaken = await ended(start(["--jsn"]));
    expect(mistaken).toMatchObject({ code: 2, stdout: "" });
    expect(mistaken.stderr).toContain("--jsn");
  });
});

const ONE_TO_FOUR: unknown = expect.toSatisfy((value) => Number.isInteger(value) && value >= 1 && value <= 4);
const POSITIVE: unknown = expect.toSatisfy((value) => Number.isInteger(value) && value > 0);

function start(args: string[]): ChildProcess {
  const { REDIS_URL: _, ...environment } = process.env;
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...environment, TMPDIR: temporaryDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(demo: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const texts = [demo.stdout!, demo.stderr!].map((stream) => stream.setEncoding("utf8").toArray());
  const [code] = (await once(demo, "close")) as [number | null];
  const [stdout = "", stderr = ""] = (await Promise.all(texts)).map((chunks) => chunks.join(""));
  return { code, stdout, stderr };
}

/** All backends run, and hundreds of requests are under way. */
async function untilTheStampede(demo: ChildProcess): Promise<void> {
  let text = "";
  for await (const chunk of demo.stderr!.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('Round "none"')) return;
  }
  throw new Error(`The demo ended before its first round:\n${text}`);
}

async function nothingIsLeft(): Promise<void> {
  await waitUntil(async () => (await processesOfTheDemo()).length === 0, { timeoutMs: 30_000 });
  await waitUntil(async () => (await readdir(temporaryDir)).length === 0, { timeoutMs: 30_000 });
}

/** Processes that inherited our temporary directory. Where there is no /proc, the files alone are looked at. */
async function processesOfTheDemo(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/u.test(name));
  const environments = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      environment: await readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
    })),
  );
  return environments
    .filter(({ environment }) => environment.includes(`TMPDIR=${temporaryDir}\0`))
    .map(({ pid }) => pid);
}
