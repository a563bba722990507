/** Whatever `createCache` is given, it takes what is documented, and refuses the rest, typed. */
import { Singleflight } from "@skein/core";
import { fuzzOptions, optionRules, type OptionRule } from "@skein/testkit";
import * as fc from "fast-check";
import { test } from "vitest";
import { createCache, type CacheOptions } from "./index.ts";

const HIGHEST = 2_147_483_647;

const { integer, object, hasMethods, observer, standardSchema } = optionRules;
const fraction = (max: number): OptionRule => ({
  valid: fc.double({ min: 0, max, noNaN: true }),
  holds: (value) => typeof value === "number" && value >= 0 && value <= max,
});

const rules: Readonly<Record<keyof CacheOptions, OptionRule>> = {
  flights: { valid: fc.constant(new Singleflight()), holds: (value) => hasMethods(value, ["do", "forget"]) },
  redis: object("pipeline", "set", "del"),
  store: object("get", "set", "delete"),
  storeTimeoutMs: integer(1, 60_000),
  ttlMs: integer(1, HIGHEST),
  negativeTtlMs: integer(0, HIGHEST),
  isNegative: { valid: fc.constant(() => false), holds: (value) => typeof value === "function" },
  errorTtlMs: integer(0, 2_000),
  staleMs: integer(0, HIGHEST),
  staleIfErrorMs: integer(0, HIGHEST),
  refreshBackoffMs: integer(1, 60_000),
  ttlJitter: fraction(0.5),
  earlyRefresh: fraction(10),
  maxEntryBytes: integer(1, 67_108_864),
  maxKnownEntries: integer(0, 10_000_000),
  schema: standardSchema,
  codec: object("encode", "decode"),
  observer,
  clock: object("now", "setTimer", "nextPoll"),
  randomness: object("fraction", "identifier"),
};

test("any options are taken or refused as documented", async () => {
  await fuzzOptions({
    construct: (options) => createCache(options as CacheOptions),
    rules,
    base: { flights: new Singleflight(), ttlMs: 1_000 },
    clash: ({ redis, store }) => redis !== undefined && store !== undefined,
  });
});
