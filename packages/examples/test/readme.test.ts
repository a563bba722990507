// Every ts block of the documents is a program that can be pasted: type-checked, run against a real Redis, and compared
// with what it says that it prints.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Markdown, ROOT } from "./markdown.ts";

const MAX_CHECK_MS = 120_000;
const MAX_RUN_MS = 60_000;
/** Ignored by git, and inside this package, so that its dependencies are found. */
const BUILD_DIR = fileURLToPath(new URL("../dist/", import.meta.url));

const run = promisify(execFile);

interface Snippet {
  readonly title: string;
  readonly code: string;
  readonly fileName: string;
  /** What follows `// ` on the lines that print. */
  readonly printed: readonly string[];
}

// The READMEs of core and of metrics are theirs to run; they may use what this package does not depend on.
const documents = (await Markdown.all()).filter(({ path }) => !/^packages\/(?:core|metrics)\//u.test(path));
const snippets = documents.flatMap(snippetsOf);

let directory = "";
let redis: RedisServer;

beforeAll(async () => {
  await mkdir(BUILD_DIR, { recursive: true });
  directory = await mkdtemp(join(BUILD_DIR, "snippets-"));
  for (const { fileName, code } of snippets) await writeFile(join(directory, fileName), patient(code));
  redis = await RedisServer.start();
});

afterAll(async () => {
  // Not there when it did not start.
  await (redis as RedisServer | undefined)?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe("the documents' code", () => {
  it("is there", () => {
    expect(snippets.map(({ title }) => title.split(":")[0])).toEqual(
      expect.arrayContaining(["README.md", "docs/OPERATIONS.md", "packages/cluster/README.md"]),
    );
  });

  it("has the right types", { timeout: MAX_CHECK_MS }, async () => {
    const options = {
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      module: "nodenext",
      types: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    };
    await writeFile(
      join(directory, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, include: ["*.ts"] }),
    );
    const tsc = join(ROOT, "node_modules/.bin/tsc");
    const complaints = await run(tsc, ["-p", directory]).then(
      () => "",
      (error: unknown) => String(Reflect.get(Object(error), "stdout")),
    );
    expect(complaints).toBe("");
  });

  beforeEach(() => redis.flushAll());

  it.each(snippets)(
    "runs and prints what it says: $title",
    { timeout: MAX_RUN_MS },
    async ({ fileName, printed }) => {
      const { stdout, stderr } = await run(process.execPath, [join(directory, fileName)], {
        cwd: directory,
        env: { ...process.env, REDIS_URL: redis.url, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
        timeout: MAX_RUN_MS,
      });
      expect(stderr).toBe("");
      expect(stdout.split("\n").slice(0, -1)).toEqual(printed);
    },
  );

  it("tells at every line that prints what it prints", () => {
    const silent = snippets.filter(
      ({ code, printed }) => (code.match(/console\./gu) ?? []).length !== printed.length,
    );
    expect(silent.map(({ title }) => title)).toEqual([]);
  });
});

/** The program as it stands, but on a machine that is busy for a moment it waits for Redis instead of falling back. */
function patient(code: string): string {
  return code.replaceAll(/^( *)redis: process\.env/gmu, "$1redisTimeoutMs: 10_000,\n$&");
}

function snippetsOf(document: Markdown): Snippet[] {
  const blocks = document.codeBlocks.filter(({ language }) => language === "ts");
  return blocks.map(({ code, line }, index) => {
    const printed = Array.from(code.matchAll(/console\.\w+\(.*\);? \/\/ (.*)$/gmu), ([, text = ""]) => text);
    const name = document.path.replaceAll("/", "-").slice(0, -basename(".md").length);
    return { title: `${document.path}:${line}`, code, fileName: `${name}-${index + 1}.ts`, printed };
  });
}
