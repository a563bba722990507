/** What GitHub would refuse only once it is there: a called workflow that asks for more than its caller grants. */
import { readdir, readFile } from "node:fs/promises";
import { parse } from "yaml";
import { expect, test } from "vitest";

const ROOT = new URL("../../../", import.meta.url);
const FOLDER = ".github/workflows/";
const LEVELS = ["none", "read", "write"];

type Permissions = Readonly<Record<string, string>>;

interface Job {
  readonly uses?: string;
  readonly permissions?: Permissions;
}

interface Workflow {
  readonly permissions?: Permissions;
  readonly jobs: Readonly<Record<string, Job>>;
}

async function read(path: string): Promise<Workflow> {
  return parse(await readFile(new URL(path, ROOT), "utf8")) as Workflow;
}

/** What it asks for and is not granted. */
function refused(asked: Permissions, granted: Permissions): readonly string[] {
  return Object.entries(asked)
    .filter(([scope, level]) => LEVELS.indexOf(level) > LEVELS.indexOf(granted[scope] ?? "none"))
    .map(([scope, level]) => `${scope}: ${level}`);
}

test("every workflow says what it may do, and none that it calls asks for more", async () => {
  const files = (await readdir(new URL(FOLDER, ROOT))).map((file) => FOLDER + file);
  let calls = 0;
  for (const file of files) {
    const { permissions, jobs } = await read(file);
    expect(permissions, file).toBeTypeOf("object");
    for (const [name, job] of Object.entries(jobs)) {
      if (!job.uses?.startsWith("./")) continue;
      calls++;
      const called = await read(job.uses);
      for (const asking of Object.values(called.jobs)) {
        const asked = asking.permissions ?? called.permissions ?? {};
        expect(refused(asked, job.permissions ?? permissions ?? {}), `${file}, ${name}`).toEqual([]);
      }
    }
  }
  expect(calls).toBeGreaterThan(0);
});
