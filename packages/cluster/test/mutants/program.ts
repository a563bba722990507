/** A program that runs to its end, or is ended with all that it started. */
import { spawn } from "node:child_process";

export interface ProgramEnd {
  /** `undefined` when it was ended for taking too long. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, limitMs }: { cwd: string; limitMs: number },
): Promise<ProgramEnd> {
  // A group of its own: what it started ends with it.
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => void output.push(text));
  }
  let late = false;
  const endGroup = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    late = true;
    endGroup();
  }, limitMs);
  process.once("exit", endGroup);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  clearTimeout(timer);
  process.off("exit", endGroup);
  return { exitCode: late ? undefined : exitCode, output: output.join("") };
}
