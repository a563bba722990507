import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findRedisBinary } from "./redis-binary.ts";

let directory = "";
const place = (name: string, mode: number) => writeFile(join(directory, name), "", { mode });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "skein-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

it("finds nothing where there is nothing to execute", async () => {
  await place("redis-server", 0o644);
  expect(await findRedisBinary({ PATH: `/nowhere:${directory}` })).toBeUndefined();
  expect(await findRedisBinary({})).toBeUndefined();
});

it("prefers what is named, then redis-server, then valkey-server", async () => {
  await place("valkey-server", 0o755);
  const PATH = `/nowhere:${directory}`;
  expect(await findRedisBinary({ PATH })).toBe(join(directory, "valkey-server"));
  await rm(join(directory, "redis-server"));
  await place("redis-server", 0o755);
  expect(await findRedisBinary({ PATH })).toBe(join(directory, "redis-server"));
  expect(await findRedisBinary({ PATH, SKEIN_REDIS_SERVER: "/opt/redis" })).toBe("/opt/redis");
});
