// The README of the cache package says what its code does: every option with its default and its range, every event.

import { InvalidOptionError, Singleflight } from "@skein/core";
import { describe, expect, it } from "vitest";
import { cachePolicy, type CacheOptions } from "../../cache/dist/options.js";
import { codeWords, Markdown, readSource, type Row } from "./markdown.ts";

const document = await Markdown.read("packages/cache/README.md");
const source = await readSource("packages/cache/src/options.ts");
const observerSource = await readSource("packages/cache/src/observer.ts");
const options = document.table("Options").map(optionOf);
const required: CacheOptions = { flights: new Singleflight(), ttlMs: 1_000 };

interface Option {
  readonly name: string;
  /** What the cell says before a colon; "" where there is none. */
  readonly default: string;
  readonly range: string;
}

describe("the options of a cache", () => {
  it("are documented one and all", () => {
    const body = /export interface CacheOptions \{\n(.*?)^\}/msu.exec(source)?.[1] ?? "";
    const members = Array.from(body.matchAll(/^ {2}(\w+)\??:/gmu), ([, member = ""]) => member);
    expect(document.table("Options").flatMap(([name = ""]) => codeWords(name))).toEqual(members);
    expect(members.filter((name) => !accepts({ ...required, [name]: undefined }))).toEqual([
      "flights",
      "ttlMs",
    ]);
    expect(accepts({ ...required, ["another"]: undefined })).toBe(false);
  });

  it.each(numeric())("have the documented range: $name", ({ name, min, max }) => {
    const step = Number.isInteger(max) && name !== "earlyRefresh" ? 1 : 0.001;
    const allows = (value: number): boolean => accepts({ ...required, [name]: value });
    expect([min - step, min, max, max + step].map(allows)).toEqual([false, true, true, false]);
  });

  it.each(options.filter((option) => /^[\d_.]+$/u.test(option.default)))(
    "have the documented default: $name",
    (option) => {
      expect(Reflect.get(cachePolicy(required), option.name)).toBe(
        Number(option.default.replaceAll("_", "")),
      );
      const docstring = docstringOf(option.name);
      expect(/default (\d(?:[\d_.]*\d)?)/u.exec(docstring)?.[1]).toBe(option.default);
    },
  );

  it("say of every number where its range ends, in the README as in the code", () => {
    for (const { name, range } of numeric()) expect(docstringOf(name)).toContain(range);
  });

  it("keep JSON unless told otherwise, and take null and undefined for negative", () => {
    const { codec, isNegative } = cachePolicy(required);
    expect(codec.encode({ a: 1 })).toBe('{"a":1}');
    expect(options.find(({ name }) => name === "codec")?.default).toBe("JSON");
    const named = codeWords(document.table("Options").find(([name]) => name === "`isNegative`")?.[1] ?? "");
    expect(named).toEqual(["null", "undefined"]);
    expect([null, undefined, 0, "", false].map(isNegative)).toEqual([true, true, false, false, false]);
  });

  it.each(["flights", "store", "observer", "clock", "randomness"])(
    "need the methods that are used: %s",
    (name) => {
      expect(accepts({ ...required, [name]: {} })).toBe(false);
    },
  );
});

describe("the events of a cache", () => {
  const rows = document.table("Events").map(([type = "", fields = ""]) => ({ type, fields }));

  it("are documented one and all", () => {
    const types = Array.from(observerSource.matchAll(/\btype: "([\w-]+)"/gu), ([, type]) => `\`${type}\``);
    expect(rows.map(({ type }) => type).toSorted()).toEqual(types.toSorted());
  });

  it.each(rows)("have the documented fields and words: $type", ({ type, fields }) => {
    const union = observerSource.slice(0, observerSource.indexOf("export type CacheEvent"));
    const [, body = ""] =
      new RegExp(`\\{\\s*readonly type: "${type.replaceAll("`", "")}";?(.*?)\\}`, "su").exec(union) ?? [];
    const names = Array.from(body.matchAll(/readonly (\w+):/gu), ([, name = ""]) => name);
    const words = Array.from(body.matchAll(/"([\w-]+)"/gu), ([, word = ""]) => word);
    expect(codeWords(fields).toSorted()).toEqual([...names, ...words].toSorted());
  });
});

function optionOf([name = "", value = "", range = ""]: Row): Option {
  return {
    name: name.replaceAll("`", ""),
    default: (value.split(":")[0] ?? "").replaceAll("`", ""),
    range: range.replaceAll("`", ""),
  };
}

function numeric(): { name: string; range: string; min: number; max: number }[] {
  return options.flatMap(({ name, range }) => {
    const [, min, max] = /^([\d_.]+) to ([\d_.]+)$/u.exec(range) ?? [];
    if (min === undefined || max === undefined) return [];
    return [{ name, range, min: Number(min), max: Number(max.replaceAll("_", "")) }];
  });
}

function docstringOf(name: string): string {
  return new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s+${name}\\??: `, "su").exec(source)?.[1] ?? "";
}

function accepts(given: object): boolean {
  try {
    cachePolicy({ ...given } as CacheOptions);
    return true;
  } catch (error) {
    if (error instanceof InvalidOptionError) return false;
    throw error;
  }
}
