import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flightLimits, type FlightLimits } from "./options.ts";

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(join(PACKAGE, "README.md"), "utf8");
const snippets = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""], index) => ({
  name: `snippet-${index + 1}.ts`,
  code,
  /** What follows `// ` on the lines that print. */
  printed: Array.from(code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm), ([, text = ""]) => text),
}));

describe("the README's code", () => {
  let directory = "";

  beforeAll(async () => {
    // Inside the package, so that it finds itself by name; the built package, as users get it.
    directory = await mkdtemp(join(PACKAGE, "dist", "snippets-"));
    for (const { name, code } of snippets) await writeFile(join(directory, name), code);
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  test("has the right types", async () => {
    const config = {
      extends: "../../../../tsconfig.base.json",
      compilerOptions: {
        composite: false,
        incremental: false,
        noEmit: true,
        isolatedDeclarations: false,
        declaration: false,
        declarationMap: false,
      },
      include: ["*.ts"],
    };
    await writeFile(join(directory, "tsconfig.json"), JSON.stringify(config));
    const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
    const complaints = await run(process.execPath, [join(compiler, "bin", "tsc"), "-p", directory]).then(
      () => "",
      (error: unknown) => String(Reflect.get(Object(error), "stdout")),
    );
    expect(complaints).toBe("");
  }, 300_000);

  test.for(snippets)("prints what it says: $name", { timeout: 300_000 }, async ({ name, printed }) => {
    const { stdout, stderr } = await run(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      join(directory, name),
    ]);
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, -1)).toEqual(printed);
  });

  test("says at every line that prints what it prints", () => {
    expect(snippets.length).toBeGreaterThan(5);
    for (const { code, printed } of snippets) {
      expect(printed.length).toBeGreaterThan(0);
      expect(code.match(/console\./g)).toHaveLength(printed.length);
    }
  });
});

describe("the README's options", () => {
  const [, section = ""] = readme.split("\n## Options\n");
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, 3)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
  /** What cannot be written as a value. */
  const words: Record<string, unknown> = {
    none: undefined,
    "the process's": "clock",
    "the system's": "randomness",
  };

  test("are those there are", () => {
    const known = /known are (.*)/.exec(refusal())?.[1]?.split(", ");
    expect(new Set(rows.map(([name]) => name))).toEqual(new Set(known));
  });

  test("have the defaults that they say", () => {
    const real: Record<string, unknown> = { ...readable(flightLimits({})) };
    for (const [name = "", stated = ""] of rows) {
      const value: unknown = stated in words ? words[stated] : JSON.parse(stated.replaceAll("_", ""));
      expect({ [name]: value }).toEqual({ [name]: real[name] });
    }
  });
});

function refusal(): string {
  try {
    flightLimits({ nonsense: 1 } as object);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
}

/** The limits of a coalescer without options, as the table writes them. */
function readable(limits: FlightLimits): object {
  return {
    ...limits,
    maxWaiters: limits.maxWaiters === Infinity ? undefined : limits.maxWaiters,
    keyPrefixOf: limits.keyPrefixOf("any key"),
    observer: undefined,
    clock: Math.abs(limits.clock.now() - performance.now()) < 60_000 ? "clock" : limits.clock,
    randomness: limits.randomness.identifier(8).length === 8 ? "randomness" : limits.randomness,
  };
}
