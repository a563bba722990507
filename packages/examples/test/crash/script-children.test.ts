// scripts/demo and scripts/test promise to leave no process behind, however they end. They run everything through
// scripts/lib/child.sh, which is tested here with children that do not make it easy.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

// Starts one child in its own process group and one outside, says who they are, and waits.
const FAMILY = `
  const { spawn } = require("node:child_process");
  const near = spawn("sleep", ["300"], { stdio: "ignore" });
  const far = spawn("sleep", ["300"], { stdio: "ignore", detached: true });
  console.log([process.pid, near.pid, far.pid].join(" "));`;

interface Script {
  readonly pid: number;
  readonly family: readonly number[];
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
}

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "%s ends the running step with all it started, also outside its process group",
  async (signal, code) => {
    const script = await start(`run_child node -e '${FAMILY}'`);
    process.kill(script.pid, signal);
    expect(await script.ended).toBe(code);
    expect(script.stderr()).toContain("Interrupted");
    await vi.waitFor(() => expect(script.family.filter(isAlive)).toEqual([]), { timeout: 10_000 });
  },
);

it("a step that ignores SIGTERM is ended all the same", async () => {
  const script = await start(`run_child node -e 'process.on("SIGTERM", () => {});${FAMILY}'`);
  process.kill(script.pid, "SIGTERM");
  expect(await script.ended).toBe(143);
  await vi.waitFor(() => expect(script.family.filter(isAlive)).toEqual([]), { timeout: 10_000 });
});

it("a command that cleans up after itself is asked first, and its children are left to it", async () => {
  const cleaning = `process.on("SIGTERM", () => {
    near.kill(); far.kill();
    near.on("exit", (code, signal) => { console.error("its child had", signal); process.exit(0); });
  });`;
  const script = await start(`gently run_child node -e '${FAMILY}${cleaning}'`);
  process.kill(script.pid, "SIGTERM");
  expect(await script.ended).toBe(143);
  expect(script.stderr()).toContain("its child had SIGTERM");
  await vi.waitFor(() => expect(script.family.filter(isAlive)).toEqual([]), { timeout: 10_000 });
});

it("what a finished step left behind in its process group is ended, and its exit status is kept", async () => {
  const script = await start(`run_child node -e '${FAMILY}far.kill(); process.exit(7)'`);
  expect(await script.ended).toBe(7);
  expect(script.stderr()).toContain("left behind");
  await vi.waitFor(() => expect(script.family.filter(isAlive)).toEqual([]), { timeout: 10_000 });
});

it("a failed step says what failed and what to do, and the script ends", async () => {
  const script = await start(
    `run_step "Fetching" "Look at the network." node -e '${FAMILY}near.kill(); far.kill(); process.exit(1)'`,
  );
  expect(await script.ended).toBe(1);
  expect(script.stderr()).toMatch(/FAILED: Fetching\n {2}Look at the network\./);
});

async function start(command: string): Promise<Script> {
  const lines = ["set -euo pipefail", ". scripts/lib/say.sh", ". scripts/lib/child.sh", command];
  const child = spawn("bash", ["-c", lines.join("\n")], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit").then(([code]: unknown[]) => code as number | null);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // run_step sends its command's output to stderr, where the preparation speaks.
  const announcement = await Promise.race([firstFamily(child.stdout), firstFamily(child.stderr)]);
  const family = announcement.split(" ").map(Number);
  onTestFinished(() => {
    for (const pid of family.filter(isAlive)) process.kill(pid, "SIGKILL");
  });
  return { pid: child.pid!, family, stderr: () => stderr, ended };
}

async function firstFamily(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) {
    if (/^\d+ \d+ \d+$/.test(line)) return line;
  }
  return new Promise(() => {}); // the other stream has it
}

/** A zombie that nobody has collected yet runs no more. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== "linux" || !/^\d+ \(.*\) Z /.test(stat(pid));
}

function stat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return `${pid} () Z `;
  }
}
