/** Where the server binary of the tests comes from. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

const NAMES = ["redis-server", "valkey-server"];

/** The path in SKEIN_REDIS_SERVER, else the first of redis-server and valkey-server on PATH, else undefined. */
export async function findRedisBinary(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const { SKEIN_REDIS_SERVER: named, PATH: path = "" } = env;
  if (named !== undefined && named !== "") return named;
  for (const name of NAMES) {
    for (const directory of path.split(delimiter)) {
      const candidate = join(directory, name);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
