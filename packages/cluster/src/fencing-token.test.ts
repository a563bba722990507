import * as fc from "fast-check";
import { expect, test } from "vitest";
import { grantOf, parseToken } from "./fencing-token.ts";

test("a token says its grant, its process and its attempt", () => {
  expect(parseToken("1790000000000001-p1x-n0y")).toEqual({
    grant: 1_790_000_000_000_001,
    process: "p1x",
    nonce: "n0y",
  });
  expect(grantOf("1790000000000001-p1x-n0y")).toBe(1_790_000_000_000_001);
});

test.each([
  "",
  "-",
  "1",
  "1-a",
  "1-a-",
  "-a-b",
  "x-a-b",
  "1-a-b-c",
  "1-A-b",
  "1.5-a-b",
  "1-a-b\n",
  "12345678901234567-a-b",
])("%j is not a token, and its grant is below every real one", (text) => {
  expect(parseToken(text)).toBeUndefined();
  expect(grantOf(text)).toBe(0);
});

test("whatever a token is made of comes back", () => {
  const part = fc.string({
    unit: fc.constantFrom(..."0123456789abcdefghijklmnopqrstuvwxyz".split("")),
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), part, part, (grant, process, nonce) => {
      expect(parseToken(`${grant}-${process}-${nonce}`)).toEqual({ grant, process, nonce });
    }),
  );
});
