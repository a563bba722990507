/** Whatever `Singleflight` is constructed with, it takes what is documented, and refuses the rest, typed. */
import { fuzzOptions, type OptionRule } from "@skein/testkit";
import * as fc from "fast-check";
import { test } from "vitest";
import { Singleflight, type SingleflightOptions } from "./index.ts";

const HIGHEST = 2_147_483_647;

const integer = (max: number): OptionRule => ({
  valid: fc.integer({ min: 1, max }),
  holds: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max,
});
const flag: OptionRule = { valid: fc.boolean(), holds: (value) => typeof value === "boolean" };
const has = (value: unknown, names: readonly string[]): boolean =>
  typeof value === "object" &&
  value !== null &&
  names.every((name) => typeof Reflect.get(value, name) === "function");
const object = (names: readonly string[]): OptionRule => ({
  valid: fc.constant(Object.fromEntries(names.map((name) => [name, () => 0]))),
  holds: (value) => has(value, names),
});
const observer = { onEvent: () => undefined };

const rules: Readonly<Record<keyof SingleflightOptions, OptionRule>> = {
  maxEntries: integer(10_000_000),
  maxAgeMs: integer(HIGHEST),
  onFull: {
    valid: fc.constantFrom("evict-oldest", "bypass", "reject"),
    holds: (value) => ["evict-oldest", "bypass", "reject"].some((word) => word === value),
  },
  maxWaiters: integer(HIGHEST),
  timeoutMs: integer(HIGHEST),
  detectReentry: flag,
  observer: {
    valid: fc.constantFrom(observer, [], [observer, observer]),
    holds: (value) =>
      Array.isArray(value)
        ? Array.from(value as unknown[]).every((one) => has(one, ["onEvent"]))
        : has(value, ["onEvent"]),
  },
  keyPrefixOf: { valid: fc.constant(() => "p"), holds: (value) => typeof value === "function" },
  exposeKeys: flag,
  clock: object(["now", "setTimer", "nextPoll"]),
  randomness: object(["fraction", "identifier"]),
};

test("any options are taken or refused as documented", async () => {
  await fuzzOptions({
    construct: (options) => new Singleflight(options as SingleflightOptions),
    rules: { ...rules, randomness: { ...rules.randomness, valid: fc.constant(undefined) } },
  });
});
