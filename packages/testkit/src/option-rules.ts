/** What options of the usual kinds are documented to be: values that are right, and how to tell. */
import * as fc from "fast-check";
import type { OptionRule } from "./fuzz-options.ts";

function integer(min: number, max: number): OptionRule {
  return {
    valid: fc.integer({ min, max }),
    holds: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  };
}

function oneOf(...words: readonly unknown[]): OptionRule {
  return {
    valid: fc.constantFrom<unknown>(...words),
    holds: (value) => words.includes(value),
  };
}

/** An object with these methods. */
function object(...methods: readonly string[]): OptionRule {
  return {
    valid: fc.constant(Object.fromEntries(methods.map((method) => [method, () => undefined]))),
    holds: (value) => typeof value === "object" && value !== null && hasMethods(value, methods),
  };
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return methods.every((method) => typeof Reflect.get(Object(value), method) === "function");
}

const anObserver = object("onEvent");
const schema = { "~standard": { version: 1, vendor: "v", validate: (value: unknown) => ({ value }) } };
const example = { onEvent: () => undefined };

interface OptionRules {
  integer(this: void, min: number, max: number): OptionRule;
  oneOf(this: void, ...words: readonly unknown[]): OptionRule;
  object(this: void, ...methods: readonly string[]): OptionRule;
  hasMethods(this: void, value: unknown, methods: readonly string[]): boolean;
  readonly flag: OptionRule;
  /** One, or a list of them. */
  readonly observer: OptionRule;
  readonly standardSchema: OptionRule;
}

export const optionRules: OptionRules = {
  integer,
  oneOf,
  object,
  hasMethods,
  flag: oneOf(true, false),
  observer: {
    valid: fc.constantFrom(example, [], [example, example]),
    holds: (value) =>
      Array.isArray(value)
        ? Array.from(value as unknown[]).every((one) => anObserver.holds(one))
        : anObserver.holds(value),
  },
  standardSchema: {
    valid: fc.constant(schema),
    holds: (value) => hasMethods(Reflect.get(Object(value), "~standard"), ["validate"]),
  },
};
