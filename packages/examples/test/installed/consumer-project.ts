// An empty project outside the workspace, in which the published packages are installed from their tarballs.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { environmentOf, npmInstall } from "./npm-install.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const MAX_PROGRAM_MS = 60_000;

/** Every package that is published. */
const PACKAGES = ["core", "cluster", "cache", "metrics"] as const;
/** What their users install beside them, with the directory that says which version we are built with. */
const PEERS = {
  ioredis: "cluster",
  redlock: "cluster",
  "prom-client": "metrics",
  "@opentelemetry/api": "metrics",
} as const;

const run = promisify(execFile);

export class ConsumerProject implements AsyncDisposable {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Installed with npm on that Node, which refuses what does not say that it supports it. */
  static async create(node: string, more: readonly string[] = []): Promise<ConsumerProject> {
    const dir = await mkdtemp(join(tmpdir(), "skein-consumer-"));
    try {
      const tarballs = await Promise.all(PACKAGES.map((name) => pack(name, join(dir, name))));
      const peers = await Promise.all(
        Object.entries(PEERS).map(
          async ([name, user]) => `${name}@${await versionOf(`packages/${user}/node_modules/${name}`)}`,
        ),
      );
      await writeFile(join(dir, "package.json"), JSON.stringify({ private: true }));
      await npmInstall(dir, [...tarballs, ...peers, ...more, "--engine-strict"], node);
      return new ConsumerProject(dir);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.#dir, name);
    await writeFile(path, text);
    return path;
  }

  /** What a program of the project, run with that Node, writes to stdout; it must end by itself. */
  async run(node: string, words: readonly string[]): Promise<string> {
    const { stdout } = await run(node, words, {
      cwd: this.#dir,
      env: environmentOf(node),
      timeout: MAX_PROGRAM_MS,
    });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function pack(name: string, destination: string): Promise<string> {
  await run("pnpm", ["pack", "--pack-destination", destination], { cwd: join(ROOT, "packages", name) });
  return join(destination, `skein-${name}-${await versionOf(`packages/${name}`)}.tgz`);
}

async function versionOf(dir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, dir, "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}
