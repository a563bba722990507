import * as fc from "fast-check";
import { SkeinError } from "@skein/core";
import { describe, expect, test } from "vitest";
import { SkeinClusterError } from "./errors.ts";
import { decodeError, encodeError, RemoteWorkError } from "./remote-work-error.ts";

function travel(error: unknown): RemoteWorkError {
  return decodeError(encodeError(error));
}

describe("an error of the work, in another process", () => {
  test("has the remote's message, code and name, and its own class, name and skeinCode", () => {
    const error = travel(Object.assign(new TypeError("no row"), { code: "E_ROW", detail: "canary-detail" }));
    expect(error).toBeInstanceOf(RemoteWorkError);
    expect(error).toBeInstanceOf(SkeinClusterError);
    expect(error).toBeInstanceOf(SkeinError);
    expect(error).not.toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      message: "no row",
      code: "E_ROW",
      name: "RemoteWorkError",
      remoteName: "TypeError",
      skeinCode: "ERR_SKEIN_REMOTE_WORK",
    });
  });

  test("has no remote stack, and no property that was not asked for", () => {
    const remote = Object.assign(new Error("boom"), { sql: "canary-sql", stack: "at canary-stack" });
    expect(encodeError(remote)).not.toContain("canary");
    expect(travel(remote).stack).toContain("RemoteWorkError");
  });

  test.each([
    ["a string", "E_X", "E_X"],
    ["a number", 404, 404],
    ["missing", undefined, undefined],
    ["an object", { secret: "canary" }, undefined],
    ["a BigInt", 5n, undefined],
    ["NaN", Number.NaN, undefined],
    ["longer than any code", "E".repeat(257), undefined],
  ])("has a code only if it is a string or a number (%s)", (_, code, expected) => {
    expect(travel(Object.assign(new Error("x"), { code })).code).toBe(expected);
  });

  test("takes its causes along, each with message and code", () => {
    const root = Object.assign(new Error("ECONNREFUSED"), { code: "ECONNREFUSED" });
    const error = travel(
      new Error("load failed", { cause: new RangeError("query failed", { cause: root }) }),
    );
    const { cause } = error;
    expect(cause).toBeInstanceOf(RemoteWorkError);
    expect(cause).toMatchObject({ message: "query failed", remoteName: "RangeError" });
    expect((cause as Error).cause).toMatchObject({ message: "ECONNREFUSED", code: "ECONNREFUSED" });
    expect((cause as Error).cause).not.toHaveProperty("cause");
  });

  test("takes eight causes along and no more", () => {
    let remote = new Error("0");
    for (let depth = 1; depth <= 20; depth++) remote = new Error(String(depth), { cause: remote });
    expect(chainOf(travel(remote)).map((error) => error.message)).toEqual([
      "20",
      "19",
      "18",
      "17",
      "16",
      "15",
      "14",
      "13",
      "12",
    ]);
  });

  test("ends where its causes start to repeat", () => {
    const one = new Error("one");
    const two = new Error("two", { cause: one });
    one.cause = two;
    expect(chainOf(travel(one)).map((error) => error.message)).toEqual(["one", "two"]);
  });

  test("takes the first sixteen errors of an AggregateError along", () => {
    const errors = Array.from({ length: 20 }, (_, index) => new Error(`e${index}`));
    const error = travel(new AggregateError(errors, "all failed"));
    expect(error).toMatchObject({ message: "all failed", remoteName: "AggregateError" });
    expect(error.errors?.map(({ message }) => message)).toEqual(
      errors.slice(0, 16).map(({ message }) => message),
    );
  });

  test("does not take what other errors keep in a property called errors", () => {
    const invalid = Object.assign(new Error("invalid"), {
      name: "ValidationError",
      errors: [{ message: "canary" }],
    });
    expect(encodeError(invalid)).not.toContain("canary");
    expect(travel(invalid)).not.toHaveProperty("errors");
  });

  test("is bounded, however errors are nested", () => {
    const bush = (depth: number): Error =>
      new AggregateError(
        depth === 0 ? [] : Array.from({ length: 5 }, () => bush(depth - 1)),
        "m".repeat(10_000),
      );
    const text = encodeError(bush(4));
    expect(text.match(/"message"/g)?.length).toBe(64);
    expect(text.length).toBeLessThan(64 * 9_000);
  });

  test("has a message of at most 8 KiB, cut between characters", () => {
    expect(travel(new Error("x".repeat(8_192))).message).toBe("x".repeat(8_192));
    const cut = travel(new Error("😀".repeat(1_000_000))).message;
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(8_192);
    expect(cut.startsWith("😀".repeat(2_000))).toBe(true);
    expect(cut.replaceAll("😀", "")).toBe("…");
  });

  test("is still recognisable after a second journey", () => {
    const twice = travel(travel(Object.assign(new TypeError("no row"), { code: "E_ROW" })));
    expect(twice).toMatchObject({
      message: "no row",
      code: "E_ROW",
      remoteName: "TypeError",
      name: "RemoteWorkError",
    });
  });
});

describe("what is thrown but is no Error", () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();

  test.each<[string, unknown, string, string]>([
    ["a string", "timeout", "string", "timeout"],
    ["a number", 42, "number", "42"],
    ["a BigInt", 5n, "bigint", "5"],
    ["a boolean", false, "boolean", "false"],
    ["a symbol", Symbol("s"), "symbol", "Symbol(s)"],
    ["undefined", undefined, "undefined", "undefined"],
    ["null", null, "null", "null"],
    ["a function", function canary() {}, "function", "the work threw a function"],
    ["an object", { canary: 1 }, "object", "the work threw an object without a message"],
    [
      "an object without prototype",
      Object.create(null),
      "object",
      "the work threw an object without a message",
    ],
    ["an object with a message", { message: "said so", code: 7 }, "object", "said so"],
    [
      "an Error whose message is an object",
      { name: "E", message: { canary: 1 } },
      "E",
      "the work threw an object without a message",
    ],
    ["a revoked proxy", revoked, "object", "the work threw an object without a message"],
  ])("%s becomes a RemoteWorkError with a safe message", (_, thrown, remoteName, message) => {
    const error = travel(thrown);
    expect(error).toBeInstanceOf(RemoteWorkError);
    expect(error).toMatchObject({ remoteName, message });
    expect(encodeError(thrown)).not.toContain("canary");
  });

  test("a getter that throws costs only what it hides", () => {
    const refuse = (): never => {
      throw new Error("no");
    };
    const error = new Error("kept");
    for (const property of ["code", "cause", "name"]) Object.defineProperty(error, property, { get: refuse });
    expect(travel(error)).toMatchObject({ message: "kept", code: undefined, remoteName: "object" });
    const overlong = new Proxy([], { get: (_, key) => (key === "length" ? 1e9 : refuse()) });
    const hostile = new Proxy(new AggregateError([]), {
      get: (_, property) => {
        if (property === "name") return "AggregateError";
        if (property === "errors") return overlong;
        return refuse();
      },
      getPrototypeOf: refuse,
    });
    expect(travel(hostile)).toMatchObject({ remoteName: "AggregateError", errors: [] });
  });

  test("a chain of causes that never ends is cut", () => {
    const endless = (): object => ({
      message: "again",
      get cause() {
        return endless();
      },
    });
    expect(chainOf(travel(endless()))).toHaveLength(9);
  });

  test("anything at all can be thrown", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true }), (thrown) => {
        expect(travel(thrown)).toBeInstanceOf(RemoteWorkError);
      }),
    );
  });
});

describe("text that is not an encoded error", () => {
  test.each(["", "{", "[]", "null", '"x"', "{}", '{"name":"E"}', '{"name":1,"message":"m"}'])(
    "%s is refused",
    (text) => {
      expect(() => decodeError(text)).toThrow(Error);
    },
  );

  test("cannot make more of itself than an encoder would", () => {
    const deep = `${'{"name":"E","message":"m","cause":'.repeat(5_000)}null${"}".repeat(5_000)}`;
    expect(chainOf(decodeError(deep))).toHaveLength(9);
    const one = { name: "E", message: "m" };
    const wide = JSON.stringify({ ...one, code: {}, errors: Array.from({ length: 5_000 }, () => one) });
    expect(decodeError(wide).errors).toHaveLength(16);
    expect(decodeError(wide).code).toBeUndefined();
  });
});

function chainOf(error: Error): Error[] {
  return error.cause instanceof Error ? [error, ...chainOf(error.cause)] : [error];
}
