// The published packages promise Node 22.12. Here they are packed, installed as a user would, and run on exactly that.

import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const FLOOR = "22.12.0";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MAX_INSTALL_MS = 300_000;
const MAX_PROGRAM_MS = 30_000;

const run = promisify(execFile);

let node = "";
let consumerDir = "";

beforeAll(async () => {
  node = await findNode();
  consumerDir = await installPackages();
}, MAX_INSTALL_MS);

afterAll(async () => {
  if (consumerDir !== "") await rm(consumerDir, { recursive: true, force: true });
});

describe.each(["import", "require"] as const)(`on Node ${FLOOR}, loaded with %s`, (loader) => {
  it("core runs one execution for two concurrent calls", async () => {
    const answer = await runProgram(
      loader,
      `const { Singleflight } = ${load(loader, "@skein/core")};
       const flights = new Singleflight();
       const results = await Promise.all([flights.fly("user:1", work), flights.fly("user:1", work)]);
       await flights.close();`,
    );
    expect(answer).toEqual({ node: `v${FLOOR}`, executions: 1, values: [42, 42], roles: ["local", "local"] });
  });

  it("cluster runs one execution for two members of a fleet", async () => {
    await using redis = await RedisServer.start();
    const answer = await runProgram(
      loader,
      `const { ClusterSingleflight } = ${load(loader, "@skein/cluster")};
       const options = { redis: ${JSON.stringify(redis.url)}, namespace: "floor", prefixes: ["user:"] };
       const fleet = [new ClusterSingleflight(options), new ClusterSingleflight(options)];
       await Promise.all(fleet.map((member) => member.ready()));
       const results = await Promise.all(fleet.map((member) => member.fly("user:1", work)));
       await Promise.all(fleet.map((member) => member.close()));`,
    );
    expect(answer).toEqual({
      node: `v${FLOOR}`,
      executions: 1,
      values: [42, 42],
      roles: ["follower", "leader"],
    });
  });
});

function load(loader: "import" | "require", name: string): string {
  return loader === "import" ? `await import("${name}")` : `require("${name}")`;
}

/** Runs `body`, which leaves `results`, as a program of the consumer project; it must end by itself. */
async function runProgram(loader: "import" | "require", body: string): Promise<unknown> {
  const file = join(consumerDir, loader === "import" ? "program.mjs" : "program.cjs");
  await writeFile(
    file,
    `async function main() {
       let executions = 0;
       const work = async () => {
         executions++;
         await new Promise((resolve) => setTimeout(resolve, 300));
         return 42;
       };
       ${body}
       const values = results.map((result) => result.value);
       const roles = results.map((result) => result.role).sort();
       console.log(JSON.stringify({ node: process.version, executions, values, roles }));
     }
     main();`,
  );
  const { stdout } = await run(node, [file], {
    cwd: consumerDir,
    env: environment(),
    timeout: MAX_PROGRAM_MS,
  });
  return JSON.parse(stdout);
}

/** A project outside the workspace that has installed the tarballs, with npm on the floor's Node and its engines check. */
async function installPackages(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "skein-consumer-"));
  try {
    const tarballs: string[] = [];
    for (const name of ["core", "cluster"]) {
      const packDir = join(dir, name);
      await run("pnpm", ["pack", "--pack-destination", packDir], { cwd: join(ROOT, "packages", name) });
      tarballs.push(join(packDir, `skein-${name}-${await versionOf(`packages/${name}`)}.tgz`));
    }
    const ioredis = `ioredis@${await versionOf("packages/cluster/node_modules/ioredis")}`;
    await writeFile(join(dir, "package.json"), JSON.stringify({ private: true }));
    await npmInstall(dir, [...tarballs, ioredis, "--engine-strict"]);
    return dir;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function versionOf(dir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, dir, "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}

/** On Linux from npm, kept in .tools; elsewhere npm has no package of that version, so it has to be named. */
async function findNode(): Promise<string> {
  const named = process.env["SKEIN_NODE_22"];
  const found = named ?? (await installNode());
  const { stdout } = await run(found, ["--version"]);
  if (stdout.trim() !== `v${FLOOR}`) throw new Error(`${found} is Node ${stdout.trim()}, not v${FLOOR}`);
  return found;
}

async function installNode(): Promise<string> {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    throw new Error(
      `Node ${FLOOR} comes from npm on Linux only. Install it (for example with fnm or nvm) and name it: ` +
        `SKEIN_NODE_22=/path/to/node`,
    );
  }
  const packageName = `node-linux-${process.arch}`;
  const dir = join(ROOT, ".tools", "node-22.12");
  const bin = join(dir, "node_modules", packageName, "bin", "node");
  if (await exists(bin)) return bin;
  // Installed aside and moved into place: an interrupted run leaves nothing half done.
  const stage = `${dir}.${process.pid}`;
  await mkdir(stage, { recursive: true });
  try {
    await writeFile(join(stage, "package.json"), JSON.stringify({ private: true }));
    await npmInstall(stage, [`${packageName}@${FLOOR}`]);
    await rm(dir, { recursive: true, force: true });
    await rename(stage, dir);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return bin;
}

async function npmInstall(dir: string, packages: readonly string[]): Promise<void> {
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  try {
    await run("npm", ["install", ...flags, ...patience, ...packages], { cwd: dir, env: environment() });
  } catch (error) {
    throw new Error(
      `npm could not install ${packages.join(" ")}. This test needs the npm registry, or what an earlier run ` +
        `has cached; it does not pass without.`,
      { cause: error },
    );
  }
}

/** The floor's Node first on PATH, so that npm runs on it too; none of the test runner's own settings. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, PATH = "", ...rest } = process.env;
  return { ...rest, PATH: node === "" ? PATH : `${dirname(node)}${delimiter}${PATH}` };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
