/** What a value that comes from outside has to be: how that is told, and how an error says it. */
import { MAX_TIMER_MS } from "./clock.ts";
import { InvalidArgumentError } from "./errors.ts";

export interface Rule {
  /** Behind "option x is 5: ". */
  readonly says: string;
  readonly holds: (value: unknown) => boolean;
}

export const A_STRING: Rule = { says: "must be a string", holds: (value) => typeof value === "string" };
export const A_FUNCTION: Rule = { says: "must be a function", holds: (value) => typeof value === "function" };
export const AN_OBJECT: Rule = { says: "must be an object", holds: isObject };
export const A_SIGNAL: Rule = {
  says: "must be an AbortSignal",
  holds: (value) => value instanceof AbortSignal,
};
export const A_TIMER_MS: Rule = integer(1, MAX_TIMER_MS);

export function integer(min: number, max: number): Rule {
  return {
    says: `must be an integer from ${min} to ${max}`,
    holds: (value) => typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
  };
}

export function oneOf(says: string, ...allowed: readonly unknown[]): Rule {
  return { says, holds: (value) => allowed.includes(value) };
}

export function objectWith(...methods: readonly string[]): Rule {
  return {
    says: `must be an object with the methods ${methods.join(", ")}`,
    holds: (value) =>
      isObject(value) && methods.every((name) => typeof Reflect.get(value, name) === "function"),
  };
}

/** @throws InvalidArgumentError naming the argument, its value and the rule. */
export function check(argument: string, value: unknown, { says, holds }: Rule): void {
  if (!holds(value)) throw new InvalidArgumentError(argument, value, says);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
