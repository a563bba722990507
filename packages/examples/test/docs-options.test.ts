// The option tables of the cluster package say what its code does: every option is there, with its default and its range.

import { InvalidOptionError } from "@skein/core";
import { describe, expect, it } from "vitest";
import { connectFleet } from "../../cluster/dist/connect-fleet.js";
import { checkClusterOptions, type ClusterOptions, type PrefixOptions } from "../../cluster/dist/options.js";
import { Policies, type Policy } from "../../cluster/dist/policy.js";
import { redisAllowanceMs } from "../../cluster/dist/redis-allowance.js";
import { codeWords, Markdown, readSource, type Row } from "./markdown.ts";

/** Nothing listens there, and nothing has to. */
const REDIS = "redis://127.0.0.1:1";
const MAX_TIMER_MS = 2_147_483_647;

const document = await Markdown.read("packages/cluster/README.md");
const source = await readSource("packages/cluster/src/options.ts");
const perPrefix = document.table("Per prefix").map(optionOf);
const global = document.table("Global").map(optionOf);

interface Option {
  readonly name: string;
  readonly default: string;
  readonly range: string;
}

describe("the options of a prefix", () => {
  it("are documented one and all", () => {
    expect(perPrefix.map(({ name }) => name)).toEqual(membersOf("PrefixOptions"));
  });

  it.each(perPrefix)("have the documented default: $name", (option) => {
    const policy = policyOf({});
    expect(valueIn(policy, option)).toEqual(literal(option.default, { ...policy }));
    expect(docstringDefault(option.name)).toBe(option.default);
  });

  it.each(numeric(perPrefix))("have the documented range: $name", ({ name, range }) => {
    // What its bounds depend on is as far away as it may be.
    const wide: PrefixOptions = name === "maxAgeMs" ? { waitTimeoutMs: MAX_TIMER_MS } : {};
    const { min, max } = boundsOf(range, { ...policyOf(wide) });
    const allows = (value: number): boolean => accepts(() => policyOf({ ...wide, [name]: value }));
    expect([min - 1, min, max, max + 1].map(allows)).toEqual([false, true, true, false]);
  });

  it.each(choices(perPrefix))("can be $value: $name", ({ name, value }) => {
    expect(accepts(() => policyOf({ [name]: value }))).toBe(true);
    expect(accepts(() => policyOf({ [name]: "something else" }))).toBe(false);
  });

  it("take the global maxAgeMs as theirs, if it is set", () => {
    expect(new Policies({ redis: REDIS, prefixes: ["a:"], maxAgeMs: 7_000 }).find("a:1")?.maxAgeMs).toBe(
      7_000,
    );
  });
});

describe("the global options", () => {
  it("are documented one and all, those of core by name", () => {
    const ofCore = codeWords(document.section("Global").split("And from core")[1] ?? "");
    const names = [...new Set(global.map(({ name }) => name.split(".")[0] ?? ""))];
    const accepted = (name: string): boolean => !refusesAsUnknown({ redis: REDIS, [name]: undefined });
    expect(names.toSorted()).toEqual(membersOf("ClusterOptions").toSorted());
    expect([...names, ...ofCore].filter((name) => !accepted(name))).toEqual([]);
    const passedOn = Array.from(source.matchAll(/^ {2}(\w+): passedOn,$/gmu), ([, name = ""]) => name);
    const own = new Set(names);
    expect(ofCore.filter((name) => !own.has(name)).toSorted()).toEqual(
      passedOn.filter((name) => !own.has(name)).toSorted(),
    );
  });

  it.each(global.filter((option) => option.default !== "required"))(
    "have the documented default: $name",
    (option) => {
      const name = option.name.split(".").at(-1) ?? "";
      expect(docstringDefault(name)).toBe(option.default);
    },
  );

  it("are in force as documented when none is given", async () => {
    const connection = connectFleet({ redis: REDIS });
    try {
      const documented = (name: string): unknown =>
        literal(global.find((option) => option.name === name)?.default ?? "");
      const { keys, redisTimeoutMs, pollEveryMs, deathGraceMs } = connection.fleet.options;
      expect({ redisTimeoutMs, pollEveryMs, deathGraceMs }).toEqual({
        // Timers fire late, so Redis is given less than what it may cost.
        redisTimeoutMs: redisAllowanceMs(Number(documented("redisTimeoutMs"))),
        pollEveryMs: documented("pollEveryMs"),
        deathGraceMs: documented("deathGraceMs"),
      });
      expect(keys.flight("user:7").leaseKey).toContain(`{${String(documented("namespace"))}:user:7}`);
      const maxKeyBytes = Number(documented("maxKeyBytes"));
      expect(accepts(() => connection.checkKey("k".repeat(maxKeyBytes)))).toBe(true);
      expect(() => connection.checkKey("k".repeat(maxKeyBytes + 1))).toThrow("maxKeyBytes");
    } finally {
      await connection.close();
    }
  });

  it.each(numeric(global))("have the documented range: $name", ({ name, range }) => {
    const { min, max } = boundsOf(range, {});
    const allows = (value: number): boolean => accepts(() => checkClusterOptions(nested(name, value)));
    expect([min - 1, min, max, max + 1].map(allows)).toEqual([false, true, true, false]);
  });

  it.each(choices(global))("can be $value: $name", ({ name, value }) => {
    expect(accepts(() => checkClusterOptions(nested(name, value)))).toBe(true);
    expect(accepts(() => checkClusterOptions(nested(name, "something else")))).toBe(false);
  });

  it("limit the length of a namespace as documented", () => {
    expect(global.find(({ name }) => name === "namespace")?.range).toBe("1 to 100 characters");
    const allows = (length: number): boolean =>
      accepts(() => checkClusterOptions(nested("namespace", "n".repeat(length))));
    expect([0, 1, 100, 101].map(allows)).toEqual([false, true, true, false]);
  });
});

function optionOf([name = "", value = "", range = ""]: Row): Option {
  return {
    name: name.replaceAll("`", ""),
    default: value.replaceAll("`", ""),
    range: range.replaceAll("`", ""),
  };
}

function policyOf(options: PrefixOptions): Policy {
  const policy = new Policies({ redis: REDIS, prefixes: { "a:": options } }).find("a:1");
  if (policy === undefined) throw new Error("The prefix is not found.");
  return policy;
}

/** The policy names some options by what it made of them. */
function valueIn(policy: Policy, { name }: Option): unknown {
  if (name === "shareErrors") return policy.sharesError(new Error("any"));
  if (name === "codec") return policy.codec.name;
  const value: unknown = Reflect.get(policy, name);
  return value === Infinity ? undefined : value;
}

/** What a table cell says: a number, a word, true or false, an option times or divided by a number. */
function literal(text: string, others: Readonly<Record<string, unknown>> = {}): unknown {
  if (text === "none") return undefined;
  if (text === "true" || text === "false") return text === "true";
  if (text.startsWith('"')) return JSON.parse(text);
  return numberOf(text, others);
}

function numberOf(text: string, others: Readonly<Record<string, unknown>>): number {
  const [first = "", operator, second = ""] = text.split(" ");
  const left = /^[\d_]+$/u.test(first) ? Number(first.replaceAll("_", "")) : Number(others[first]);
  if (operator === undefined) return left;
  const right = Number(second.replaceAll("_", ""));
  const results: Record<string, number> = {
    "/": left / right,
    "*": left * right,
    "+": left + right,
    "-": left - right,
  };
  return results[operator] ?? Number.NaN;
}

function boundsOf(range: string, others: Readonly<Record<string, unknown>>): { min: number; max: number } {
  const [min = "", max = ""] = range.split(" to ");
  return { min: numberOf(min, others), max: numberOf(max, others) };
}

function numeric(options: readonly Option[]): Option[] {
  return options.filter(({ range }) => / to [\w_]+(?: [-+/*] [\d_]+)?$/u.test(range));
}

/** The words, and true and false, among which an option chooses. */
function choices(options: readonly Option[]): { name: string; value: unknown }[] {
  return options.flatMap(({ name, range }) =>
    range
      .split(", ")
      .filter((word) => /^(?:"\w+"|true|false)$/u.test(word))
      .map((word) => ({ name, value: literal(word) })),
  );
}

function nested(name: string, value: unknown): ClusterOptions {
  const [outer = "", inner] = name.split(".");
  return { redis: REDIS, [outer]: inner === undefined ? value : { [inner]: value } };
}

function accepts(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof InvalidOptionError) return false;
    throw error;
  }
}

function refusesAsUnknown(options: ClusterOptions): boolean {
  try {
    checkClusterOptions(options);
    return false;
  } catch (error) {
    return error instanceof InvalidOptionError && error.message.includes("is not known");
  }
}

function membersOf(name: string): string[] {
  const body = new RegExp(`export interface ${name}[^{]*\\{\\n(.*?)^\\}`, "msu").exec(source)?.[1] ?? "";
  return Array.from(body.matchAll(/^ {2}(\w+)\??:/gmu), ([, member = ""]) => member);
}

/** The default that an option's docstring names, in the words of the table. */
function docstringDefault(name: string): string {
  const docstring = new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s+${name}\\??:`, "su").exec(source)?.[1] ?? "";
  const before = /("\w+")(?:, | \()default\)/u.exec(docstring)?.[1];
  const after = /default:? ("\w+"|[\d_]+(?:\.\d+)?(?: x \w+)?|\w+(?: \/ \d)?)/iu.exec(docstring)?.[1];
  const text = before ?? after ?? "";
  const [factor, option] = text.split(" x ");
  return option === undefined ? text : `${option} * ${factor}`;
}
