/** A copy of the repository in a temporary directory, in which a mutant can live without anybody else meeting it. */
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutated, type Mutant } from "./mutant.ts";
import { runProgram } from "./program.ts";

const NOT_COPIED: ReadonlySet<string> = new Set([".git", "node_modules"]);
const BUILD_LIMIT_MS = 120_000;

export class ScratchCopy implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Of `root`, which must be built. Dependencies are shared: nothing writes there. */
  static async of(root: string): Promise<ScratchCopy> {
    const directory = await mkdtemp(join(tmpdir(), "skein-mutants-"));
    const entries = (await readdir(root)).filter((name) => !NOT_COPIED.has(name));
    await Promise.all(
      entries.map((name) => {
        return cp(join(root, name), join(directory, name), { recursive: true, verbatimSymlinks: true });
      }),
    );
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    return new ScratchCopy(directory);
  }

  /** Runs `act` while the line is wrong. @throws when it is not there, or what it makes cannot be built. */
  async withMutant<T>(mutant: Mutant, act: () => Promise<T>): Promise<T> {
    const file = join(this.directory, mutant.file);
    const source = await readFile(file, "utf8");
    await writeFile(file, mutated(source, mutant));
    try {
      await this.#build();
      return await act();
    } finally {
      // Built again with the next one.
      await writeFile(file, source);
    }
  }

  /** Without a look at the types: a mutant may leave something unused. */
  async #build(): Promise<void> {
    const node = (...args: string[]) => {
      return runProgram(process.execPath, args, { cwd: this.directory, limitMs: BUILD_LIMIT_MS });
    };
    const built = [
      await node("packages/cluster/scripts/generate-scripts.ts"),
      await node(
        "node_modules/typescript/bin/tsc",
        "-b",
        "--noCheck",
        ...["core", "cluster"].map((name) => `packages/${name}/tsconfig.build.json`),
      ),
    ];
    for (const { exitCode, output } of built) {
      if (exitCode !== 0) throw new Error(`The copy could not be built.\n${output}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}
