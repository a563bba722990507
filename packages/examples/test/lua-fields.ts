// Which fields of the flight each script writes and removes, read out of the Lua sources.

import { basename, join } from "node:path";
import { filesIn, readSource } from "./markdown.ts";

const SCRIPTS = "packages/cluster/src/redis/scripts";

export interface FieldUse {
  readonly writes: ReadonlySet<string>;
  readonly removes: ReadonlySet<string>;
}

export interface LuaSources {
  /** By script name. */
  readonly uses: ReadonlyMap<string, FieldUse>;
  /** Every field that is read, written or removed anywhere. */
  readonly fields: ReadonlySet<string>;
  /** Commands of Redis that scripts call, in lower case. */
  readonly commands: ReadonlySet<string>;
  /** Kinds of wake-ups that scripts send. */
  readonly wakeUps: ReadonlySet<string>;
}

/** What stands for a field of a family, by the first letter of its name. */
const FAMILIES = new Map([
  ["registration", "f:"],
  ["registrationOf", "f:"],
  ["slice", "f:"],
  ["name", "d:"],
]);

export async function readLua(): Promise<LuaSources> {
  const sources = new Map<string, string>();
  for (const path of await filesIn(SCRIPTS, "**/*.lua")) {
    sources.set(path, await readSource(join(SCRIPTS, path)));
  }
  const all = [...sources.values()].map(withoutComments).join("\n");
  const functions = new Map<string, string>();
  for (const [name, body] of [...sources.values()].flatMap(functionsOf)) functions.set(name, body);
  const scripts = [...sources].filter(([path]) => !path.includes("/"));
  return {
    uses: new Map(scripts.map(([path, text]) => [basename(path, ".lua"), useOf(text, functions)])),
    fields: new Set([...fieldsRead(all), ...calls(all, ["HSET", "HSETNX", "HDEL", "HGET"]).flatMap(namesIn)]),
    commands: new Set(
      Array.from(
        all.matchAll(/(?:redis\.p?call\(|healed\(KEYS\[\d\], )'(\w+)'(?:, '(NUMSUB)')?/gu),
        commandOf,
      ),
    ),
    wakeUps: new Set(Array.from(all.matchAll(/wakeUp\('(\w+)'/gu), ([, kind = ""]) => kind)),
  };
}

function useOf(text: string, functions: ReadonlyMap<string, string>): FieldUse {
  const reachable = withCallees(withoutComments(text), functions);
  const removes = new Set(calls(reachable, ["HDEL"]).flatMap(namesIn));
  const kept = /local kept = \{([^}]*)\}/u.exec(text)?.[1];
  if (kept !== undefined) {
    removes.add(`all but ${Array.from(kept.matchAll(/(\w+) =/gu), ([, name]) => name).join(" ")}`);
  }
  return { writes: new Set(calls(reachable, ["HSET", "HSETNX"]).flatMap(namesIn)), removes };
}

/** A text and the functions that it calls, and those that these call. */
function withCallees(text: string, functions: ReadonlyMap<string, string>): string {
  const bodies = new Map<string, string>();
  const visit = (from: string): void => {
    for (const [name, body] of functions) {
      if (bodies.has(name) || !new RegExp(`\\b${name}\\(`, "u").test(from)) continue;
      bodies.set(name, body);
      visit(body);
    }
  };
  visit(text);
  return [text, ...bodies.values()].join("\n");
}

function functionsOf(text: string): [name: string, body: string][] {
  const oneLine = /^local function (\w+)\([^)]*\) (.*) end$/gmu;
  const block = /^local function (\w+)\([^)]*\)\n(.*?)^end$/gmsu;
  return [oneLine, block].flatMap((pattern) =>
    Array.from(
      withoutComments(text).matchAll(pattern),
      ([, name = "", body = ""]) => [name, body] as [string, string],
    ),
  );
}

/** The arguments after the key of each such call on the flight. */
function calls(text: string, commands: readonly string[]): string[] {
  const pattern = new RegExp(`redis\\.p?call\\('(?:${commands.join("|")})', KEYS\\[2\\], (.*)$`, "gmu");
  return Array.from(text.matchAll(pattern), ([, args = ""]) => args);
}

function namesIn(args: string): string[] {
  const literals = Array.from(args.matchAll(/'([^']+)'/gu), ([, name = ""]) => name);
  const words = args.replaceAll(/'[^']*'/gu, "").match(/\w+/gu) ?? [];
  return [
    ...literals.filter((name) => name.trim() !== ""),
    ...words.flatMap((word) => FAMILIES.get(word) ?? []),
  ];
}

function fieldsRead(text: string): string[] {
  return Array.from(text.matchAll(/= fields\(([^)]*)\)/gu), ([, names = ""]) => names).flatMap((names) =>
    Array.from(names.matchAll(/'(\w+)'/gu), ([, name = ""]) => name),
  );
}

function commandOf([, name = "", sub]: RegExpExecArray): string {
  return (sub === undefined ? name : `${name}|${sub}`).toLowerCase();
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*--.*$/gmu, "");
}
