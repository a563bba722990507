// The docker and compose command lines, as a person would use them.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1_024 * 1_024;

/** @returns what it printed on stdout. Rejects with what it printed on stderr when it failed. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute("docker", [...args], { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout.trim();
}

export type Environment = Readonly<Record<string, string>>;

/** docker compose v2 where it is installed, else docker-compose 1.29. */
export class Compose {
  readonly #command: string;
  readonly #args: readonly string[];

  private constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#args = args;
  }

  static async find(file: string, project: string): Promise<Compose> {
    const args = ["--file", file, "--project-name", project];
    const hasPlugin = await docker("compose", "version").then(
      () => true,
      () => false,
    );
    return hasPlugin ? new Compose("docker", ["compose", ...args]) : new Compose("docker-compose", args);
  }

  async run(environment: Environment, ...args: readonly string[]): Promise<string> {
    const { stdout } = await execute(this.#command, [...this.#args, ...args], {
      env: { ...process.env, ...environment },
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout.trim();
  }
}
