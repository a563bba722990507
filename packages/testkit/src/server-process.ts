/** A Redis server as a process of this machine: started, signalled, watched. Whether it answers is for others to ask. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutputTail } from "./output-tail.ts";
import type { ServerHost, ServerPlan, ServerSignal } from "./server-host.ts";
import { TiedProcess } from "./tied-process.ts";

export class ServerProcess implements ServerHost {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #process: TiedProcess;
  readonly #directory: string;
  readonly #output: OutputTail;

  private constructor(tied: TiedProcess, directory: string) {
    this.#process = tied;
    this.pid = tied.pid;
    this.#directory = directory;
    this.#output = new OutputTail(tied.child.stdout, tied.child.stderr);
    this.ended = tied.ended;
  }

  /** Starts `binary` in a temporary directory of its own. */
  static async start(binary: string, { port, addresses, args, env }: ServerPlan): Promise<ServerProcess> {
    const directory = await mkdtemp(join(tmpdir(), "skein-redis-"));
    const place = ["--port", String(port), "--bind", addresses.join(" "), "--dir", directory];
    const tied = TiedProcess.spawn([binary, ...args, ...place], {
      cwd: directory,
      env: { ...process.env, ...env },
      directory,
    });
    return new ServerProcess(tied, directory);
  }

  get hasEnded(): boolean {
    const { exitCode, signalCode } = this.#process.child;
    return exitCode !== null || signalCode !== null;
  }

  async signal(signal: ServerSignal): Promise<void> {
    this.#process.child.kill(signal);
  }

  describeLog(): string {
    return this.#output.describe();
  }

  async cleanUp(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    this.#process.release();
  }
}
