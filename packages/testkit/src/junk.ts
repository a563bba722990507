/** Values that nobody meant: what options, keys and payloads are when a caller got something wrong. */
import * as fc from "fast-check";

class SomeClass {
  readonly value = 1;
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

/** Beside what a generator thinks of: edges of ranges, values that cannot be turned into text, things that look right. */
const ODDITIES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  5n,
  "",
  " ",
  "5",
  "true",
  "[object Object]",
  Symbol("junk"),
  Object.create(null),
  Object.freeze({}),
  cyclic,
  [],
  [null],
  [[]],
  Array.from({ length: 3 }),
  new Error("junk"),
  new Date(NaN),
  new Map([["leaseMs", 1]]),
  new Set([1]),
  new Uint8Array(20),
  new ArrayBuffer(20),
  new SomeClass(),
  SomeClass,
  () => undefined,
  async () => Promise.resolve(),
  Promise.resolve(),
  /junk/,
  new Proxy({}, {}),
  { toString: 1, valueOf: 1 },
  {
    toString() {
      throw new Error("no text");
    },
  },
  { length: 1 },
  JSON.parse('{"__proto__": {"maxAgeMs": 1}}'),
];

export function junk(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom(...ODDITIES),
    fc.anything({
      maxDepth: 2,
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
    fc.integer(),
    fc.double(),
    fc.string({ maxLength: 200 }),
  );
}
