/** A Redis server as a process of this machine: started, signalled, watched. Whether it answers is for others to ask. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lifeline } from "./lifeline.ts";
import { OutputTail } from "./output-tail.ts";

/** What RedisServer needs of whatever runs its server. */
export interface ServerHost {
  readonly pid: number;
  /** Resolves when the server has ended, by whatever cause. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
  /** Its working directory, as the server itself names it. */
  readonly directory: string;
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** The server's own log and its errors. */
  describeLog(): Promise<string>;
  /** Removes what it left behind; only after it has ended. */
  cleanUp(): Promise<void>;
}

export class ServerProcess implements ServerHost {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #output: OutputTail;

  private constructor(child: ChildProcess, pid: number, directory: string) {
    this.#child = child;
    this.pid = pid;
    this.directory = directory;
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
  static async start(
    binary: string,
    args: (directory: string) => readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<ServerProcess> {
    const directory = await realpath(await mkdtemp(join(tmpdir(), "skein-redis-")));
    // In a session of its own: Ctrl-C ends it by the lifeline, after the tests and not before them.
    const child = spawn(binary, args(directory), {
      cwd: directory,
      detached: true,
      env,
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

  async signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    this.#child.kill(signal);
  }

  async describeLog(): Promise<string> {
    return this.#output.describe();
  }

  async cleanUp(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
