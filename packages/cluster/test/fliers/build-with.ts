/** The package as another release would build it: one constant of one module has another value. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));

export interface OtherBuild extends AsyncDisposable {
  /** To be given to a flier as SKEIN_TEST_BUILD. */
  readonly url: string;
}

/** @throws when `before` does not stand once in `module`, a file of dist/. */
export async function buildWith(module: string, before: string, after: string): Promise<OtherBuild> {
  const folder = await mkdtemp(join(tmpdir(), "skein-build-"));
  const file = join(folder, "dist", module);
  await cp(join(PACKAGE, "dist"), join(folder, "dist"), { recursive: true });
  await cp(join(PACKAGE, "package.json"), join(folder, "package.json"));
  await symlink(join(PACKAGE, "node_modules"), join(folder, "node_modules"));
  const source = await readFile(file, "utf8");
  if (source.split(before).length !== 2) throw new Error(`${before} does not stand once in ${module}`);
  await writeFile(file, source.replace(before, after));
  return {
    url: pathToFileURL(join(folder, "dist/index.js")).href,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
