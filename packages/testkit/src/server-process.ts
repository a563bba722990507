/** A Redis server as a process of this machine: started, signalled, watched. Whether it answers is for others to ask. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lifeline } from "./lifeline.ts";
import { OutputTail } from "./output-tail.ts";
import type { ServerHost, ServerPlan, ServerSignal } from "./server-host.ts";

export class ServerProcess implements ServerHost {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #output: OutputTail;

  private constructor(child: ChildProcess, pid: number, directory: string) {
    this.#child = child;
    this.pid = pid;
    this.#directory = directory;
    this.#output = new OutputTail(child.stdout, child.stderr);
    const lifeline = Lifeline.tieProcess(pid, directory);
    this.ended = new Promise((resolve) => {
      // Not "exit": only now the log is complete.
      child.once("close", () => {
        lifeline.release();
        resolve();
      });
    });
  }

  /** Starts `binary` in a temporary directory of its own. Rejects when there is no such program. */
  static async start(binary: string, { port, addresses, args, env }: ServerPlan): Promise<ServerProcess> {
    const directory = await mkdtemp(join(tmpdir(), "skein-redis-"));
    const place = ["--port", String(port), "--bind", addresses.join(" "), "--dir", directory];
    // In a session of its own: Ctrl-C ends it by the lifeline, after the tests and not before them.
    const child = spawn(binary, [...args, ...place], {
      cwd: directory,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const failed = once(child, "error");
    if (child.pid !== undefined) return new ServerProcess(child, child.pid, directory);
    const [error] = (await failed) as [unknown];
    await rm(directory, { recursive: true, force: true });
    throw error;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async signal(signal: ServerSignal): Promise<void> {
    this.#child.kill(signal);
  }

  describeLog(): string {
    return this.#output.describe();
  }

  async cleanUp(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
