// A release of Node, as a program: on Linux from npm, kept in .tools; elsewhere npm has no package of every release.

import { execFile } from "node:child_process";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { npmInstall } from "./npm-install.ts";

const TOOLS = fileURLToPath(new URL("../../../../.tools", import.meta.url));

const run = promisify(execFile);

/** The program's path. `SKEIN_NODE_22`, `_24` and `_26` name one that is there already. */
export async function findNode(version: string): Promise<string> {
  const variable = `SKEIN_NODE_${version.split(".")[0]}`;
  const isRunning = process.version === `v${version}`;
  const found =
    process.env[variable] ?? (isRunning ? process.execPath : await installNode(version, variable));
  const { stdout } = await run(found, ["--version"]);
  if (stdout.trim() !== `v${version}`) throw new Error(`${found} is Node ${stdout.trim()}, not v${version}`);
  return found;
}

async function installNode(version: string, variable: string): Promise<string> {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    throw new Error(
      `Node ${version} comes from npm on Linux only. Install it (for example with fnm or nvm) and name it: ` +
        `${variable}=/path/to/node`,
    );
  }
  const packageName = `node-linux-${process.arch}`;
  const dir = join(TOOLS, `node-${version}`);
  const bin = join(dir, "node_modules", packageName, "bin", "node");
  if (await exists(bin)) return bin;
  // Installed aside and moved into place: an interrupted run leaves nothing half done.
  const stage = `${dir}.${process.pid}`;
  await mkdir(stage, { recursive: true });
  try {
    await writeFile(join(stage, "package.json"), JSON.stringify({ private: true }));
    await npmInstall(stage, [`${packageName}@${version}`]);
    await rm(dir, { recursive: true, force: true });
    await rename(stage, dir);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return bin;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
