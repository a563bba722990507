import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { containing } from "../test/matchers.ts";
import { flightKey, InvalidArgumentError } from "./index.ts";

/** Parameters of every kind that a key may hold, nested. */
const params = fc.letrec<{ any: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      false,
      0,
      -0,
      Number.NaN,
      Infinity,
      -Infinity,
      "",
      "?",
      "null",
      "1",
      "[]",
    ),
    fc.integer(),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom("?", '"', "\\", ",", ":", "=", ">", "(", ")", "[", "]", "{", "}", "n", "u", "0"),
    }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 4 }),
  ),
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    tie("leaf"),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.sparseArray(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "a", "b")), tie("any"), {
      maxKeys: 4,
      noNullPrototype: false,
    }),
    fc.array(fc.tuple(tie("any"), tie("any")), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).any;

describe("keys of different parameters differ, and those of equal ones are equal", () => {
  test("whatever the parameters: the key can be read back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), params, (prefix, value) => {
        const key = flightKey(prefix, value);
        const border = key.lastIndexOf("?");
        expect(key.slice(0, border)).toBe(prefix);
        expect(canonical(read(key.slice(border + 1)))).toEqual(canonical(value));
      }),
      { numRuns: 2_000 },
    );
  });

  test("whatever the order of properties, map entries and set items", () => {
    fc.assert(
      fc.property(params, (value) => {
        expect(flightKey("p", reversed(value))).toBe(flightKey("p", value));
      }),
      { numRuns: 1_000 },
    );
  });

  test("for look-alikes", () => {
    const alike: unknown[] = [
      undefined,
      null,
      "undefined",
      "null",
      0,
      -0,
      "0",
      0n,
      "0n",
      "-0",
      false,
      "false",
      Number.NaN,
      "NaN",
      "",
      [],
      {},
      [undefined],
      [null],
      [[]],
      [""],
      ["a", "b"],
      ["a,b"],
      ['a","b'],
      { a: undefined },
      { a: null },
      { "": 0 },
      { a: { b: 1 } },
      { "a:b": 1 },
      { a: 1, b: 2 },
      { a: [1, 2] },
      new Map(),
      new Set(),
      new Map([["a", 1]]),
      new Map([[1, "a"]]),
      new Set(["a"]),
      new Set([["a"]]),
      new Date(0),
      new Date(Number.NaN),
      "Date(0)",
      1e21,
      "1e+21",
      10n ** 21n,
      new Uint8Array(),
      new Uint8Array([0]),
      "Bytes()",
      "\ud800",
      "\\ud800",
      "\ufffd",
      "?",
      "\\u003f",
      Array(1),
      Array(2),
      [undefined, undefined],
    ];
    const keys = alike.map((value) => flightKey("p", value));
    expect(new Set(keys).size).toBe(alike.length);
  });

  test("for the same parameters under prefixes that contain the separator", () => {
    expect(flightKey("a?1", 2)).not.toBe(flightKey("a", "1?2"));
    const prefixes = ["", "?", "a", "a?", "a??", "a?1", 'a?"1"'];
    expect(
      new Set(prefixes.flatMap((prefix) => [flightKey(prefix), flightKey(prefix, 1), flightKey(prefix, "1")]))
        .size,
    ).toBe(21);
  });

  test("for plain objects with and without a prototype, and for properties named __proto__", () => {
    expect(flightKey("p", Object.assign(Object.create(null), { a: 1 }))).toBe(flightKey("p", { a: 1 }));
    expect(flightKey("p", JSON.parse('{"__proto__":1}'))).not.toBe(flightKey("p", {}));
  });
});

test("a key is readable", () => {
  expect(flightKey("user:", { id: 7, fields: ["name", "mail"], at: new Date(0) })).toBe(
    'user:?{"at":Date(0),"fields":["name","mail",],"id":7}',
  );
  expect(flightKey("config")).toBe("config?undefined");
});

describe("what has no identity to compare by is refused, with the path to it and none of its contents", () => {
  class Money {
    readonly secret = "secret";
  }
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  test.for([
    [{ a: [() => "secret"] }, 'params["a"][0]', "cannot be part of a key"],
    [{ a: Symbol("s") }, 'params["a"]', "cannot be part of a key"],
    [new Money(), "params", "must be plain data"],
    [{ price: new Money() }, 'params["price"]', "must be plain data"],
    [/x/, "params", "must be plain data"],
    [new Float64Array(1), "params", "must be plain data"],
    [{ [Symbol("s")]: 1 }, "params", "must not have symbol properties"],
    [cyclic, 'params["self"]["self"]', "must not be cyclic or nested deeper than 100"],
    [new Map([["secret", () => {}]]), "params value", "cannot be part of a key"],
    [new Map([[() => {}, "secret"]]), "params key", "cannot be part of a key"],
    [new Set([() => {}]), "params item", "cannot be part of a key"],
  ])("%o", ([value, path, rule]) => {
    let error: unknown;
    try {
      flightKey("p", value);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({
      argument: containing(path as string),
      message: containing(rule as string),
    });
    expect((error as Error).message).not.toContain("secret");
  });

  test("a prefix that is no string", () => {
    expect(() => flightKey(5 as unknown as string)).toThrow("argument prefix is 5: must be a string");
  });
});

/** Reads encoded parameters back: the proof that no two parameters share a key. */
function read(text: string): unknown {
  let at = 0;
  const value = next();
  if (at !== text.length) throw new Error(`unread: ${text.slice(at)}`);
  return value;

  function next(): unknown {
    if (take("{")) {
      const fields = list("}", () => [next(), skip(":"), next()]);
      return Object.fromEntries(fields.map(([name, , item]) => [name, item]));
    }
    if (take("[")) return readArray();
    if (take("Map(")) {
      const pairs = list(")", () => [next(), skip("=>"), next()]);
      return new Map(pairs.map(([key, , item]) => [key, item]));
    }
    if (take("Set(")) return new Set(list(")", next));
    if (take("Date(")) return new Date(Number(until(")")));
    if (take("Bytes(")) return Uint8Array.from(Buffer.from(until(")"), "hex"));
    if (text[at] === '"') return readString();
    return readLiteral();
  }

  function readArray(): unknown[] {
    const items: unknown[] = [];
    while (!take("]")) {
      if (text[at] === ",") items.length++;
      else items.push(next());
      skip(",");
    }
    return items;
  }

  function readString(): string {
    const [quoted] = /^"(?:[^"\\]|\\.)*"/s.exec(text.slice(at)) ?? [""];
    at += quoted.length;
    return JSON.parse(quoted) as string;
  }

  function readLiteral(): unknown {
    const [literal] = /^[-+.\w]+/.exec(text.slice(at)) ?? [""];
    at += literal.length;
    if (/^-?\d+n$/.test(literal)) return BigInt(literal.slice(0, -1));
    const words = new Map<string, unknown>([
      ["undefined", undefined],
      ["null", null],
      ["true", true],
      ["false", false],
    ]);
    return words.has(literal) ? words.get(literal) : Number(literal);
  }

  function list<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (!take(end)) {
      items.push(item());
      take(",");
    }
    return items;
  }

  function take(token: string): boolean {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  }

  function skip(token: string): void {
    if (!take(token)) throw new Error(`expected ${token} at ${text.slice(at)}`);
  }

  function until(end: string): string {
    const start = at;
    at = text.indexOf(end, at) + end.length;
    return text.slice(start, at - end.length);
  }
}

/** A value as nested tagged lists, so that toEqual tells apart whatever a key tells apart, and nothing else. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    return ["array", ...Array.from(value.keys(), (i) => (i in value ? [canonical(value[i])] : "hole"))];
  }
  if (value instanceof Date) return ["date", String(value.getTime())];
  if (value instanceof Uint8Array) return ["bytes", ...value];
  if (value instanceof Map) {
    const pairs = [...(value as Map<unknown, unknown>)];
    return ["map", ...sorted(pairs.map((pair) => pair.map(canonical)))];
  }
  if (value instanceof Set) return ["set", ...sorted([...(value as Set<unknown>)].map(canonical))];
  if (typeof value === "object" && value !== null) {
    return ["object", ...sorted(Object.entries(value).map(([name, item]) => [name, canonical(item)]))];
  }
  return [
    typeof value,
    Object.is(value, -0) ? "-0" : String(value),
    typeof value === "string" ? JSON.stringify(value) : "",
  ];
}

function sorted(items: unknown[]): unknown[] {
  return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** The same value with everything that has no order in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copy.length = value.length;
    for (const index of copy.keys()) if (index in value) copy[index] = reversed(value[index]);
    return copy;
  }
  if (value instanceof Date || value instanceof Uint8Array) return value;
  if (value instanceof Map) {
    return new Map(
      [...(value as Map<unknown, unknown>)]
        .toReversed()
        .map(([key, item]) => [reversed(key), reversed(item)]),
    );
  }
  if (value instanceof Set) return new Set([...(value as Set<unknown>)].toReversed().map(reversed));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, item]) => [name, reversed(item)]),
    );
  }
  return value;
}
