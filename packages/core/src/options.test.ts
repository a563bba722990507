import { describe, expect, expectTypeOf, test } from "vitest";
import { containing } from "../test/matchers.ts";
import { InvalidOptionError, Singleflight, type SingleflightOptions } from "./index.ts";
import { flightLimits } from "./options.ts";

const HIGHEST = 2_147_483_647;
const observer = { onEvent: () => {} };
const clock = { now: () => 0, setTimer: () => ({ cancel: () => {} }), nextPoll: () => {} };
const randomness = { fraction: () => 0.5, identifier: (length: number) => "x".repeat(length) };

/** Every option: values at the edges of its range, values beyond, and the rule that the error names. */
const options: Record<keyof SingleflightOptions, { good: unknown[]; bad: unknown[]; rule: string }> = {
  maxEntries: {
    good: [1, 10_000_000],
    bad: [0, -1, 1.5, 10_000_001, Number.NaN, "5", null],
    rule: "integer from 1 to 10000000",
  },
  maxAgeMs: {
    good: [1, HIGHEST],
    bad: [0, 0.5, HIGHEST + 1, Infinity, "5", null],
    rule: `integer from 1 to ${HIGHEST}`,
  },
  onFull: {
    good: ["evict-oldest", "bypass", "reject"],
    bad: ["drop", "", null, 1],
    rule: '"evict-oldest", "bypass", "reject"',
  },
  maxWaiters: { good: [1, HIGHEST], bad: [0, Infinity, 1.5, null], rule: `integer from 1 to ${HIGHEST}` },
  timeoutMs: {
    good: [1, HIGHEST],
    bad: [0, -5, HIGHEST + 1, "5", null],
    rule: `integer from 1 to ${HIGHEST}`,
  },
  detectReentry: { good: [true, false], bad: ["yes", 1, null], rule: "true or false" },
  observer: {
    good: [observer, [], [observer, observer]],
    bad: [null, 5, {}, [observer, {}], [null], [[observer]], Array(1)],
    rule: "object with onEvent(event), or a list",
  },
  keyPrefixOf: { good: [() => "p"], bad: ["user:", null, {}], rule: "must be a function" },
  exposeKeys: { good: [true, false], bad: ["no", 0, null], rule: "true or false" },
  clock: {
    good: [clock],
    bad: [null, {}, Date, { ...clock, now: 5 }],
    rule: "object with the methods now, setTimer, nextPoll",
  },
  randomness: {
    good: [randomness],
    bad: [null, {}, Math],
    rule: "object with the methods fraction, identifier",
  },
};

describe.for(Object.entries(options))("option %s", ([name, { good, bad, rule }]) => {
  test("takes the values of its range", () => {
    for (const value of good) expect(() => new Singleflight({ [name]: value })).not.toThrow();
    expect(() => new Singleflight({ [name]: undefined })).not.toThrow();
  });

  test.for(bad.map((value) => [value]))("refuses %j, naming option, value and rule", ([value]) => {
    const construct = (): unknown => new Singleflight({ [name]: value });
    expect(construct).toThrow(InvalidOptionError);
    expect(construct).toThrow(
      expect.objectContaining({
        code: "ERR_SKEIN_INVALID_OPTION",
        option: name,
        message: containing(rule),
      }) as Error,
    );
    expect(construct).toThrow(`option ${name} is `);
  });
});

test("the offending value is printed short and on one line, and never the contents of an object", () => {
  const shown = (onFull: unknown): string => {
    try {
      flightLimits({ onFull } as SingleflightOptions);
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  expect(shown("x".repeat(100))).toContain(`option onFull is "${"x".repeat(60)}…": must be`);
  expect(shown("a\nb")).toContain('"a\\nb"');
  expect(shown({ password: "secret" })).toContain("is an object:");
  expect(shown(["secret"])).toContain("is an array:");
  expect(shown(() => "secret")).toContain("is a function:");
  expect(shown(5n)).toContain("is 5n:");
  expect(shown(Symbol("s"))).toContain("is Symbol(s):");
});

test.for([["maxEntry"], ["__proto__x"], ["toString"]])(
  "an unknown option (%s) is refused, naming those known",
  ([name]) => {
    expect(() => new Singleflight({ [name!]: 1 })).toThrow(
      expect.objectContaining({
        option: name,
        message: containing("known are maxEntries, maxAgeMs, onFull"),
      }) as Error,
    );
  },
);

test.for([[null], [5], ["redis://"], [[]]])("options that are no object (%j) are refused", ([value]) => {
  expect(() => new Singleflight(value as SingleflightOptions)).toThrow("option options is ");
});

test("the table above covers every option", () => {
  expectTypeOf(options).toEqualTypeOf<
    Record<keyof SingleflightOptions, { good: unknown[]; bad: unknown[]; rule: string }>
  >();
  let known = "";
  try {
    flightLimits({ nonsense: 1 } as SingleflightOptions);
  } catch (error) {
    known = (error as Error).message.split("known are ")[1] ?? "";
  }
  expect(known.split(", ").toSorted()).toEqual(Object.keys(options).toSorted());
});
