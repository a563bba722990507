import * as fc from "fast-check";
import { InvalidOptionError } from "@skein/core";
import { describe, expect, test, vi } from "vitest";
import { jsonCodec, msgpackCodec, resolveCodec, type Codec } from "./codec.ts";

function roundTrip(codec: Codec, value: unknown): unknown {
  return codec.decode(Buffer.from(codec.encode(value)));
}

describe("JSON", () => {
  test("carries every JSON value unchanged", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ stringUnit: "grapheme" }).filter((value) => !hasNegativeZero(value)),
        (value) => {
          expect(roundTrip(jsonCodec, value)).toEqual(value);
        },
      ),
    );
  });

  test("carries lone surrogates, which UTF-8 cannot", () => {
    expect(roundTrip(jsonCodec, "\ud800!")).toBe("\ud800!");
  });

  test.each<[string, unknown]>([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a BigInt", 1n],
    ["a BigInt within", { n: 1n }],
    ["NaN", Number.NaN],
    ["infinity", Infinity],
    ["an invalid date", new Date(Number.NaN)],
    ["a Map", new Map([[1, 2]])],
    ["a Set", new Set([1])],
    ["an Error", new Error("boom")],
    ["a cycle", cyclic()],
    [
      "a getter that throws",
      {
        get secret() {
          throw new Error("no");
        },
      },
    ],
  ])("refuses %s instead of losing it", (_, value) => {
    expect(() => jsonCodec.encode(value)).toThrow(Error);
  });

  test("keeps objects that really are empty", () => {
    expect(roundTrip(jsonCodec, {})).toEqual({});
    expect(roundTrip(jsonCodec, Object.create(null))).toEqual({});
    expect(
      jsonCodec.encode(
        new (class {
          toJSON(): object {
            return {};
          }
        })(),
      ),
    ).toBe("{}");
  });

  test("changes what lies deeper as its documentation says", () => {
    const value = {
      date: new Date(0),
      map: new Map([[1, 2]]),
      nan: Number.NaN,
      gone: undefined,
      call: () => 1,
    };
    expect(roundTrip(jsonCodec, value)).toEqual({ date: "1970-01-01T00:00:00.000Z", map: {}, nan: null });
  });

  test("refuses bytes that are not UTF-8, and text that is not JSON", () => {
    expect(() => jsonCodec.decode(Buffer.from([0x22, 0xff, 0x22]))).toThrow(TypeError);
    expect(() => jsonCodec.decode(Buffer.from("{"))).toThrow(SyntaxError);
  });
});

describe("MessagePack", () => {
  test.each<[string, unknown]>([
    ["a date", new Date(5)],
    [
      "a Map with keys that are no strings",
      new Map<unknown, unknown>([
        [1, { a: 2 }],
        ["b", new Map()],
      ]),
    ],
    ["a Set", new Set([1, "a"])],
    ["a BigInt beyond 64 bits", { n: -(2n ** 70n) }],
    ["NaN", Number.NaN],
    ["undefined within", { a: undefined, b: [undefined] }],
    ["typed arrays", [new Uint8Array([1, 2]), new Float64Array([1.5])]],
    ["many objects of one shape", Array.from({ length: 100 }, (_, id) => ({ id, name: `n${id}` }))],
    ["odd property names", { 'a"b': 1, "\n];x": 2, "": 3, constructor: 4 }],
  ])("carries %s", (_, value) => {
    expect(roundTrip(msgpackCodec(), value)).toStrictEqual(value);
  });

  test("brings a Buffer back as a Buffer of its own", () => {
    const codec = msgpackCodec();
    const bytes = Buffer.from(codec.encode({ body: Buffer.from("abc") }));
    const { body } = codec.decode(bytes) as { body: Buffer };
    bytes.fill(0);
    expect(Buffer.isBuffer(body)).toBe(true);
    expect(body.toString()).toBe("abc");
  });

  test.each<[string, unknown]>([
    ["a function", () => 1],
    ["a symbol within", { s: Symbol("s") }],
    ["a cycle", cyclic()],
  ])("refuses %s, and works on afterwards", (_, value) => {
    const codec = msgpackCodec();
    expect(() => codec.encode(value)).toThrow(Error);
    expect(roundTrip(codec, { a: [1] })).toEqual({ a: [1] });
  });

  test("works on after any bytes that it could not read", () => {
    const codec = msgpackCodec();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          codec.decode(bytes);
        } catch {
          // Refusing is right; remembering would not be.
        }
        expect(
          roundTrip(codec, [
            { a: 1, b: "x" },
            { a: 2, b: "y" },
          ]),
        ).toEqual([
          { a: 1, b: "x" },
          { a: 2, b: "y" },
        ]);
      }),
    );
  });

  test("never sees cycles that somebody else wrote", () => {
    const pointer = Buffer.from([0xd6, 0x70, 0, 0, 0, 1]);
    expect(() => msgpackCodec().decode(pointer)).toThrow(/disabled/);
  });

  test("names the missing package when it is not installed", async () => {
    vi.resetModules();
    vi.doMock("node:module", () => ({
      createRequire: () => () => {
        throw new Error("Cannot find module");
      },
    }));
    const fresh = await import("./codec.ts");
    vi.doUnmock("node:module");
    expect(() => fresh.resolveCodec("msgpack")).toThrow(
      /option codec is "msgpack": needs the package msgpackr/,
    );
  });
});

describe("the codec option", () => {
  test("knows its two names", () => {
    expect(resolveCodec("json")).toBe(jsonCodec);
    expect(resolveCodec("msgpack").name).toBe("msgpack");
  });

  test("takes a codec of one's own, called as methods, string or bytes", () => {
    class Shouting {
      readonly #mark = "!";
      encode(value: unknown): string {
        return `${String(value)}${this.#mark}`;
      }
      decode(bytes: Uint8Array): unknown {
        return Buffer.from(bytes).toString().replace(this.#mark, "");
      }
    }
    const codec = resolveCodec(new Shouting());
    expect(codec.name).toBe("custom");
    expect(roundTrip(codec, "hi")).toBe("hi");
    const binary = resolveCodec({
      name: "one-byte",
      encode: () => new Uint8Array([7]),
      decode: (bytes) => bytes[0],
    });
    expect(binary.name).toBe("one-byte");
    expect(roundTrip(binary, "whatever")).toBe(7);
  });

  test("gives decode bytes of its own", () => {
    const codec = resolveCodec({ encode: () => "", decode: (bytes) => bytes });
    const received = Buffer.from("abc");
    const kept = codec.decode(received) as Uint8Array;
    received.fill(0);
    expect(Buffer.from(kept).toString()).toBe("abc");
    expect(kept.buffer.byteLength).toBe(3);
  });

  test.each<[string, unknown, string]>([
    ["an unsuitable name", { name: "My Codec", encode: () => "", decode: () => 1 }, "codec.name"],
    ["an asynchronous encode", { encode: async () => "", decode: () => 1 }, "codec.encode"],
    ["an asynchronous decode", { encode: () => "", decode: async () => 1 }, "codec.decode"],
    ["a missing decode", { encode: () => "" }, "codec.decode"],
  ])("refuses %s at construction", (_, option, named) => {
    const refused = catching(() => resolveCodec(option as never));
    expect(refused).toBeInstanceOf(InvalidOptionError);
    expect(refused).toMatchObject({ option: named });
  });

  test("treats a promise as an error, and lets none of them go unhandled", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const codec = resolveCodec({
      encode: () => Promise.reject(new Error("late")) as never,
      decode: () => Promise.reject(new Error("late")),
    });
    expect(() => codec.encode(1)).toThrow(/synchronous/);
    expect(() => codec.decode(new Uint8Array())).toThrow(/synchronous/);
    // Unhandled rejections are told once the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("treats anything but a string or bytes as an error", () => {
    for (const wrong of [undefined, null, 5, {}, new Float64Array(1), new ArrayBuffer(1)]) {
      const codec = resolveCodec({ encode: () => wrong as never, decode: () => 1 });
      expect(() => codec.encode(1)).toThrow(/string or to bytes/);
    }
  });
});

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
}

function hasNegativeZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasNegativeZero);
}

function catching(callback: () => unknown): unknown {
  try {
    callback();
  } catch (error) {
    return error;
  }
  return undefined;
}
