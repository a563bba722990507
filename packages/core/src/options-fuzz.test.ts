/** Whatever `Singleflight` is constructed with, it takes what is documented, and refuses the rest, typed. */
import { fuzzOptions, optionRules, type OptionRule } from "@skein/testkit";
import * as fc from "fast-check";
import { test } from "vitest";
import { Singleflight, type SingleflightOptions } from "./index.ts";

const HIGHEST = 2_147_483_647;

const { integer, oneOf, object, flag, observer } = optionRules;

const rules: Readonly<Record<keyof SingleflightOptions, OptionRule>> = {
  maxEntries: integer(1, 10_000_000),
  maxAgeMs: integer(1, HIGHEST),
  onFull: oneOf("evict-oldest", "bypass", "reject"),
  maxWaiters: integer(1, HIGHEST),
  timeoutMs: integer(1, HIGHEST),
  detectReentry: flag,
  observer,
  keyPrefixOf: { valid: fc.constant(() => "p"), holds: (value) => typeof value === "function" },
  exposeKeys: flag,
  clock: object("now", "setTimer", "nextPoll"),
  randomness: object("fraction", "identifier"),
};

test("any options are taken or refused as documented", async () => {
  await fuzzOptions({
    construct: (options) => new Singleflight(options as SingleflightOptions),
    rules: { ...rules, randomness: { ...rules.randomness, valid: fc.constant(undefined) } },
  });
});
