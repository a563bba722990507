/**
 * Holds a constructor against what its options are documented to be: whatever it is given, it takes what is right, and
 * refuses the rest with its typed error, which names the option, its value and the rule. Anything else that it throws is
 * a defect. Not promised: that options with getters that throw are survived; they are the caller's own code.
 */
import * as fc from "fast-check";
import { junk } from "./junk.ts";

export interface OptionRule {
  readonly valid: fc.Arbitrary<unknown>;
  /** As the documentation has it; never asked of `undefined`, which is always right. */
  holds(value: unknown): boolean;
}

export interface FuzzOptions {
  /** Constructs, and takes down what was constructed. */
  readonly construct: (options: unknown) => unknown;
  readonly rules: Readonly<Record<string, OptionRule>>;
  /** What has to be there. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Whatever the single values are, they do not go together. Default: they always do. */
  readonly clash?: (options: Readonly<Record<string, unknown>>) => boolean;
  /** What the error calls an option. Default: its name. */
  readonly pathOf?: (name: string) => string;
  /** What the error calls all of them. Default "options". */
  readonly whole?: string;
}

/** Of each kind of junk. */
const RUNS = Number(process.env["SKEIN_FUZZ_RUNS"] ?? 300);

/** What a parser says when it has been given no better words. */
const NO_RULE: ReadonlySet<string> = new Set(["Invalid input"]);

type Given = Readonly<Record<string, unknown>>;

/** @throws with the options, made as small as possible, that were not treated as documented. */
export async function fuzzOptions(fuzz: FuzzOptions): Promise<void> {
  const { rules, base = {}, pathOf = (name) => name, whole = "options" } = fuzz;
  const names = Object.keys(rules);
  const one = fc.constantFrom(...names).chain((name) => {
    const valid = rules[name]?.valid ?? fc.constant(undefined);
    return fc.tuple(fc.constant(name), fc.oneof(valid, junk(), fc.constant(undefined)));
  });
  const several = fc.array(one, { minLength: 1, maxLength: 4 }).map((entries) => Object.fromEntries(entries));
  await check(several, async (given) => {
    const wrong = names.filter(
      (name) => given[name] !== undefined && rules[name]?.holds(given[name]) !== true,
    );
    const missing = Object.keys(base).filter((name) => name in given && given[name] === undefined);
    const options = { ...base, ...given };
    const error = await refusalOf(fuzz, options);
    const culprits = [...wrong, ...missing].map(pathOf);
    if (fuzz.clash?.(options) === true) {
      if (error === undefined) throw new Error("options that do not go together were taken");
    } else if (culprits.length > 0) {
      if (error === undefined) throw new Error(`${culprits.join(" and ")} should have been refused`);
      if (!culprits.some((path) => isAbout(error, path))) {
        throw new Error(`the wrong option is named: ${error.message}`);
      }
    } else if (error !== undefined) throw new Error(`refused, although right: ${error.message}`);
  });
  const unknown = fc.tuple(fc.string({ minLength: 1 }), junk()).filter(([name]) => !names.includes(name));
  await check(unknown, async ([name, value]) => {
    const error = await refusalOf(fuzz, { ...base, ...Object.fromEntries([[name, value]]) });
    if (error === undefined) throw new Error(`${name} is no option, and was taken`);
    if (!isAbout(error, pathOf(name))) throw new Error(`the wrong option is named: ${error.message}`);
  });
  await check(junk(), async (options) => {
    const error = await refusalOf(fuzz, options);
    if (error !== undefined) return;
    const isEmpty = typeof options === "object" && options !== null && Object.keys(options).length === 0;
    if (options !== undefined && !isEmpty) throw new Error(`junk was taken for ${whole}`);
  });
}

interface Refusal {
  readonly option: string;
  readonly message: string;
}

/** @throws for an error of another kind, and for one that does not say what it has to. */
async function refusalOf({ construct }: FuzzOptions, options: unknown): Promise<Refusal | undefined> {
  try {
    await construct(options);
    return undefined;
  } catch (error) {
    const { name, code, option, message } = Object(error) as Given;
    if (name !== "InvalidOptionError" || code !== "ERR_SKEIN_INVALID_OPTION") {
      throw new Error("an error of another kind", { cause: error });
    }
    const said = String(message);
    const [, value, rule] = /^option .* is (.+?): (.+)$/s.exec(said) ?? [];
    if (
      typeof option !== "string" ||
      !said.startsWith(`option ${option} is `) ||
      value === undefined ||
      rule === undefined ||
      NO_RULE.has(rule)
    ) {
      throw new Error(`the message does not name option, value and rule: ${said}`, { cause: error });
    }
    return { option, message: said };
  }
}

function isAbout({ option }: Refusal, path: string): boolean {
  return option === path || option.startsWith(`${path}.`) || option.startsWith(`${path}[`);
}

async function check<T>(values: fc.Arbitrary<T>, hold: (value: T) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(values, hold), { numRuns: RUNS });
}
