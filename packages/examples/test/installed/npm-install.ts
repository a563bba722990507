// npm, as a user of the packages calls it.

import { execFile } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";

const FLAGS = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
const PATIENCE = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];

const run = promisify(execFile);

export async function npmInstall(dir: string, words: readonly string[], node?: string): Promise<void> {
  try {
    await run("npm", ["install", ...FLAGS, ...PATIENCE, ...words], { cwd: dir, env: environmentOf(node) });
  } catch (error) {
    throw new Error(
      `npm could not install ${words.join(" ")}. This test needs the npm registry, or what an earlier run ` +
        `has cached; it does not pass without.`,
      { cause: error },
    );
  }
}

/** That Node first on PATH, so that npm runs on it too; none of the test runner's own settings. */
export function environmentOf(node: string | undefined): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, PATH = "", ...rest } = process.env;
  return { ...rest, PATH: node === undefined ? PATH : `${dirname(node)}${delimiter}${PATH}` };
}
