import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { generatedModule } from "../../scripts/generate-scripts.ts";
import {
  appointScript,
  deleteScript,
  forgetScript,
  joinScript,
  leaveScript,
  pushScript,
  renewScript,
  resignScript,
  setScript,
  settleScript,
} from "../../src/redis/flight-scripts.ts";
import { scriptSources } from "../../src/redis/scripts/generated.ts";

const directory = new URL("../../src/redis/scripts/", import.meta.url);
const wrappers = [
  deleteScript,
  appointScript,
  forgetScript,
  joinScript,
  leaveScript,
  pushScript,
  renewScript,
  resignScript,
  setScript,
  settleScript,
];

/** What the header of a script promises. */
function headerOf(name: string): {
  title: string;
  keys: string[];
  args: string[];
  statuses: string[];
  lines: string[];
} {
  const lines = readFileSync(new URL(`${name}.lua`, directory), "utf8").split("\n");
  const header = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("--") || line.startsWith("-- @include")),
  );
  const numbered = (kind: string): string[] =>
    header.flatMap((line) => {
      const [, index, argument] = new RegExp(`^-- ${kind}\\[(\\d+)\\] (\\w+)`).exec(line) ?? [];
      return index === undefined || argument === undefined ? [] : [`${index} ${argument}`];
    });
  return {
    title: header[0] ?? "",
    keys: numbered("KEYS"),
    args: numbered("ARGV"),
    statuses: header.flatMap((line) => /^-- ([A-Z]+)(?: [a-zA-Z ]+)?$/.exec(line)?.[1] ?? []),
    lines: header,
  };
}

test("there is one wrapper for each script, and one script for each wrapper", () => {
  const files = readdirSync(directory).filter((name) => name.endsWith(".lua"));
  expect(files.toSorted()).toEqual(wrappers.map(({ name }) => `${name}.lua`).toSorted());
  expect(Object.keys(scriptSources).toSorted()).toEqual(wrappers.map(({ name }) => name).toSorted());
});

test("what is sent to the server is what the sources generate", () => {
  expect(readFileSync(new URL("generated.ts", directory), "utf8")).toBe(generatedModule());
});

describe.each(wrappers)("the header of $name", ({ name, argumentNames, statuses, keyNames, text }) => {
  const header = headerOf(name);

  test("says what the script does, and why it is one", () => {
    expect(header.title).toMatch(new RegExp(`^-- ${name}: \\w`));
    expect(header.lines.some((line) => line.startsWith("-- One script, because "))).toBe(true);
  });

  test("declares the keys that its caller sends", () => {
    expect(header.keys).toEqual(keyNames.map((key, index) => `${index + 1} ${key}`));
  });

  test("declares the arguments that its caller sends, in their order", () => {
    expect(header.args).toEqual(argumentNames.map((argument, index) => `${index + 1} ${argument}`));
  });

  test("declares the statuses that its caller knows, and these are the ones it returns", () => {
    expect(header.statuses).toEqual([...statuses]);
    const returned = Array.from(text.matchAll(/return \{ ([^,]+), nowText/g), ([, status]) => status ?? "");
    const words = new Set(
      returned.flatMap((status) => Array.from(status.matchAll(/'([A-Z]+)'/g), ([, word]) => word)),
    );
    expect(words).toEqual(new Set(statuses));
  });

  test("no argument goes unused", () => {
    for (const index of argumentNames.keys()) expect(text).toContain(`ARGV[${index + 1}]`);
    expect(text).not.toContain(`ARGV[${argumentNames.length + 1}]`);
  });
});
