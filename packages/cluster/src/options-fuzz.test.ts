/** Whatever `ClusterSingleflight` is constructed with, it takes what is documented, and refuses the rest, typed. */
import { types } from "node:util";
import { fuzzOptions, optionRules, type OptionRule } from "@skein/testkit";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ClusterSingleflight, type ClusterOptions, type PrefixOptions } from "./index.ts";
import { MemoryFleet } from "./memory/index.ts";
import type { MembershipSource } from "./membership.ts";

const HIGHEST = 2_147_483_647;

/** A fleet of one, in memory: nothing is connected to. */
const redis: MembershipSource = {
  openMembership({ processId }) {
    const { coordinator, inbox } = new MemoryFleet().connect(processId);
    const availability = {
      obstacle: () => undefined,
      peek: () => undefined,
      whenUp: () => Promise.resolve(true),
      up: true,
      succeeded() {},
      failed: () => ({ reason: "timeout", sent: true }) as const,
    };
    return {
      coordinator,
      inbox,
      availabilityOf: () => availability,
      probed: Promise.resolve(),
      close: () => inbox.close(),
    };
  },
};

const { integer, oneOf, object, hasMethods, flag, observer, standardSchema } = optionRules;

const isText = (value: unknown, min: number, max: number): boolean =>
  typeof value === "string" && value.length >= min && value.length <= max;
const isSecret = (value: unknown): boolean =>
  (typeof value === "string" || types.isUint8Array(value)) && Buffer.from(value).length >= 16;
const codec = { encode: () => "", decode: () => undefined };

const prefixRules: Readonly<Record<keyof PrefixOptions, OptionRule>> = {
  leaseMs: integer(500, 600_000),
  renewEveryMs: integer(20, 300_000),
  maxAgeMs: integer(1, HIGHEST),
  waitTimeoutMs: integer(1, HIGHEST),
  onWaitTimeout: oneOf("local", "error"),
  maxTakeovers: integer(0, 100),
  abandonMs: integer(1, 86_400_000),
  onLeaderLoss: oneOf("takeover", "local"),
  freshMs: integer(0, 3_600_000),
  retainMs: integer(100, 3_600_000),
  shareErrors: {
    valid: fc.constantFrom(true, false, () => true),
    holds: (value) => typeof value === "boolean" || typeof value === "function",
  },
  onUnavailable: oneOf("local", "error"),
  maxFallbackConcurrency: integer(1, HIGHEST),
  shadow: flag,
  codec: {
    valid: fc.constantFrom("json", "msgpack", codec, { ...codec, name: "mine-1" }),
    holds: (value) =>
      value === "json" ||
      value === "msgpack" ||
      (typeof value === "object" && hasMethods(value, ["encode", "decode"]) && hasCodecName(value)),
  },
  schema: standardSchema,
  inlineMaxBytes: integer(0, 1_048_576),
  maxOutcomeBytes: integer(1, 67_108_864),
};

function hasCodecName(value: object | null): boolean {
  const name: unknown = Reflect.get(Object(value), "name");
  return name === undefined || (typeof name === "string" && /^[a-z0-9-]{1,32}$/.test(name));
}

function doNotGoTogether(options: Readonly<Record<string, unknown>>): boolean {
  const number = (name: keyof PrefixOptions, otherwise: number): number => {
    const value = options[name] ?? otherwise;
    return typeof value === "number" ? value : NaN;
  };
  const leaseMs = number("leaseMs", 5_000);
  return (
    number("renewEveryMs", Math.floor(leaseMs / 5)) > leaseMs / 2 ||
    number("waitTimeoutMs", 60_000) <= number("maxAgeMs", 30_000) ||
    number("freshMs", 0) > number("retainMs", 5_000)
  );
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRecord = (value: unknown): value is object =>
  isPlain(value) && [null, Object.prototype].includes(Object.getPrototypeOf(value) as object | null);

/** All of its properties are known, and right. */
function keeps(value: unknown, known: Readonly<Record<string, OptionRule>>): boolean {
  return (
    isPlain(value) &&
    Object.entries(value).every(
      ([name, own]) => own === undefined || (Object.hasOwn(known, name) && known[name]?.holds(own) === true),
    )
  );
}

const breakerRules = {
  failures: integer(1, 1_000),
  slowReplies: integer(1, 1_000),
  slowMs: integer(1, HIGHEST),
  probeEveryMs: integer(10, 60_000),
};

const rules: Readonly<Record<Exclude<keyof ClusterOptions, "redis" | "prefixes">, OptionRule>> = {
  namespace: {
    valid: fc.string({ minLength: 1, maxLength: 100, unit: "binary" }),
    holds: (value) => isText(value, 1, 100),
  },
  wakeup: oneOf("pubsub", "list"),
  redisTimeoutMs: integer(5, 60_000),
  pollEveryMs: integer(50, 60_000),
  deathGraceMs: integer(100, 60_000),
  maxWokenPerSettle: integer(1, 10_000),
  breaker: {
    valid: fc.constantFrom({}, { failures: 1, slowReplies: 1_000, slowMs: 1, probeEveryMs: 10 }),
    holds: (value) => keeps(value, breakerRules),
  },
  secrets: {
    valid: fc.constantFrom("x".repeat(16), new Uint8Array(16), ["y".repeat(17), new Uint8Array(20)]),
    holds: (value) =>
      Array.isArray(value)
        ? value.length >= 1 && value.length <= 8 && Array.from(value as unknown[]).every(isSecret)
        : isSecret(value),
  },
  hashKeys: flag,
  maxKeyBytes: integer(1, 65_536),
  handleSignals: {
    valid: fc.constantFrom(true, false, {}, { drainMs: 0 }),
    holds: (value) => typeof value === "boolean" || keeps(value, { drainMs: integer(0, HIGHEST) }),
  },
  logger: {
    ...object("debug", "info", "warn", "error"),
    holds: (value) => hasMethods(value, ["debug", "info", "warn", "error"]),
  },
  maxEntries: integer(1, 10_000_000),
  maxAgeMs: integer(1, HIGHEST),
  onFull: oneOf("evict-oldest", "bypass", "reject"),
  maxWaiters: integer(1, HIGHEST),
  timeoutMs: integer(1, HIGHEST),
  detectReentry: flag,
  observer,
  keyPrefixOf: { valid: fc.constant(() => "p"), holds: (value) => typeof value === "function" },
  exposeKeys: flag,
  clock: { ...object("now", "setTimer", "nextPoll"), valid: fc.constant(undefined) },
  randomness: { ...object("fraction", "identifier"), valid: fc.constant(undefined) },
};

async function construct(options: unknown): Promise<void> {
  const flights = new ClusterSingleflight(options as ClusterOptions);
  await flights.close({ drainMs: 0 });
}

describe("any options are taken or refused as documented:", () => {
  test("those of the process", async () => {
    await fuzzOptions({ construct, rules, base: { redis } });
  });

  test("those of a prefix", async () => {
    await fuzzOptions({
      construct: (own) => construct({ redis, prefixes: { "k:": own } }),
      rules: prefixRules,
      clash: doNotGoTogether,
      pathOf: (name) => `prefixes["k:"].${name}`,
    });
  });

  test("the prefixes themselves", async () => {
    await fuzzOptions({
      construct,
      base: { redis },
      rules: {
        prefixes: {
          valid: fc.constantFrom([], {}, ["k:"], { "k:": {} }, { "k:": { leaseMs: 500 } }),
          holds: (value) =>
            Array.isArray(value)
              ? Array.from(value as unknown[]).every((prefix) => isText(prefix, 1, Infinity))
              : isRecord(value) &&
                Object.entries(value).every(([prefix, own]) => prefix !== "" && keeps(own, prefixRules)),
        },
      },
    });
  });
});
