/** The check of what the observers are constructed with. */
import { InvalidOptionError, withoutText } from "./errors.ts";

const MAX_PREFIXES = 10_000;

export type OptionChecks = Readonly<Record<string, OptionCheck>>;

/** @throws InvalidOptionError */
type OptionCheck = (option: string, value: unknown) => void;

/** @throws InvalidOptionError naming the option, its value and the rule. `undefined` is right for all of them. */
export function checkOptions(options: unknown, checks: OptionChecks): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", withoutText(options), "must be an object");
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const rule = `is not known; known are ${Object.keys(checks).join(", ")}`;
      throw new InvalidOptionError(name, withoutText(value), rule);
    }
    if (value !== undefined) check(name, value);
  }
}

/** An object with these methods. */
export function withMethods(...names: readonly string[]): OptionCheck {
  return (option, value) => {
    const isObject = typeof value === "object" && value !== null;
    if (isObject && names.every((name) => typeof Reflect.get(value, name) === "function")) return;
    throw new InvalidOptionError(
      option,
      withoutText(value),
      `must be an object with the methods ${names.join(", ")}`,
    );
  };
}

export function flag(option: string, value: unknown): void {
  if (typeof value !== "boolean") throw new InvalidOptionError(option, value, "must be true or false");
}

/** Of every ledger. */
export const ledgerChecks: OptionChecks = {
  prefixes(option, value) {
    const isList =
      Array.isArray(value) && Array.from(value as unknown[]).every((one) => typeof one === "string");
    if (!isList) throw new InvalidOptionError(option, value, "must be a list of strings");
  },
  maxPrefixes(option, value) {
    const isWhole = typeof value === "number" && Number.isInteger(value);
    if (isWhole && value >= 1 && value <= MAX_PREFIXES) return;
    throw new InvalidOptionError(option, value, `must be an integer from 1 to ${MAX_PREFIXES}`);
  },
};
