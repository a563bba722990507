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

/** A way to call compose: a program, and what comes before every argument of ours. */
export type ComposeCommand = readonly [program: string, ...args: string[]];

/** The program that SKEIN_COMPOSE names, else docker compose v2 where it is installed, else docker-compose 1.29. */
export async function composeCommand(): Promise<ComposeCommand> {
  const named = process.env["SKEIN_COMPOSE"];
  if (named !== undefined && named !== "") return [named];
  const hasPlugin = await docker("compose", "version").then(
    () => true,
    () => false,
  );
  return hasPlugin ? ["docker", "compose"] : ["docker-compose"];
}

/** Compose for one project. */
export class Compose {
  readonly #command: string;
  readonly #args: readonly string[];

  private constructor([command, ...args]: ComposeCommand) {
    this.#command = command;
    this.#args = args;
  }

  static async find(file: string, project: string, profile?: string): Promise<Compose> {
    return new Compose([
      ...(await composeCommand()),
      ...["--file", file, "--project-name", project],
      ...(profile === undefined ? [] : ["--profile", profile]),
    ]);
  }

  async run(environment: Environment, ...args: readonly string[]): Promise<string> {
    const { stdout } = await execute(this.#command, [...this.#args, ...args], {
      env: { ...process.env, ...environment },
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout.trim();
  }
}
