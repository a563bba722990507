import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidKeyError } from "./errors.ts";
import { encodeKey, flightKeys, PROTOCOL_VERSION } from "./flight-keys.ts";

const keys = flightKeys({ namespace: "shop", maxKeyBytes: 1_024, hashKeys: false });

/** Any JavaScript string: lone surrogates, braces, percent signs and all. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom("%", "u", "D", "8", "0", "2", "5", "\ud800", "\udc00", "{", "}") }),
);

describe("names in Redis", () => {
  test("lease, flight, entry and lock of a key share one hash tag, and all names carry the protocol version", () => {
    expect(keys.flight("user:7")).toEqual({
      id: "shop:user:7",
      entryKey: `skein${PROTOCOL_VERSION}:{shop:user:7}:entry`,
      leaseKey: `skein${PROTOCOL_VERSION}:{shop:user:7}:lease`,
      flightKey: `skein${PROTOCOL_VERSION}:{shop:user:7}:flight`,
      lockKey: `skein${PROTOCOL_VERSION}:{shop:user:7}:lock`,
    });
    expect(keys.inboxPrefix).toBe(`skein${PROTOCOL_VERSION}:shop:inbox:`);
  });

  test("no two keys share a name", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one !== other);
        expect(encodeKey(one)).not.toBe(encodeKey(other));
      }),
      { numRuns: 2_000 },
    );
  });

  test("no key can move the hash tag, break a message header or leave ASCII", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encodeKey(text)).toMatch(/^[A-Za-z0-9\-._~:/@,=+%]*$/);
      }),
      { numRuns: 1_000 },
    );
    expect(keys.flight("a}{b").leaseKey).toBe(`skein${PROTOCOL_VERSION}:{shop:a%7D%7Bb}:lease`);
    expect(keys.flight("two words\n").id).toBe("shop:two%20words%0A");
  });

  test("keys of different namespaces never meet", () => {
    const names = ["a", "a:b", "b", ":a"].flatMap((namespace) =>
      ["a", "b", "b:a", ":b"].map(
        (key) => flightKeys({ namespace, maxKeyBytes: 100, hashKeys: false }).flight(key).id,
      ),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test("a lone surrogate differs from what UTF-8 would replace it by, and from its own spelling", () => {
    expect(encodeKey("\ud800")).toBe("%uD800");
    expect(encodeKey("\ufffd")).toBe("%EF%BF%BD");
    expect(encodeKey("%uD800")).toBe("%25uD800");
    expect(encodeKey("\u{1f600}")).toBe("%F0%9F%98%80");
  });

  test("a long key is hashed, under a mark that no short key can have", () => {
    const long = keys.flight("x".repeat(201)).id;
    expect(long).toMatch(/^shop:#[0-9a-f]{64}$/);
    expect(keys.flight("x".repeat(200)).id).toBe(`shop:${"x".repeat(200)}`);
    expect(keys.flight(long.slice("shop:".length)).id).not.toBe(long);
    expect(keys.flight("x".repeat(202)).id).not.toBe(long);
    // It is what the encoding makes of it that counts.
    expect(keys.flight("{".repeat(67)).id).toMatch(/^shop:#/);
  });

  test("with hashKeys no part of a key is readable", () => {
    const hashed = flightKeys({ namespace: "shop", maxKeyBytes: 100, hashKeys: true }).flight("secret");
    expect(hashed.id).toMatch(/^shop:#[0-9a-f]{64}$/);
    expect(hashed.leaseKey).not.toContain("secret");
  });

  test("an empty key and one over maxKeyBytes of UTF-8 are refused", () => {
    const narrow = flightKeys({ namespace: "shop", maxKeyBytes: 4, hashKeys: false });
    expect(() => narrow.flight("")).toThrow(InvalidKeyError);
    expect(() => narrow.flight("éée")).toThrow(InvalidKeyError);
    expect(narrow.flight("éé").id).toBe("shop:%C3%A9%C3%A9");
  });
});
