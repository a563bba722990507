import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { looksSigned, SIGNATURE_BYTES, Signatures, type Signed } from "./signatures.ts";

const NOW = 1_800_000_000_000;
const signed: Signed = {
  flightId: "shop:user:7",
  token: "1700000000000000-p1-n1",
  header: "skein/1 value json n1 0",
  payload: Buffer.from('{"id":7}'),
};
const signatures = new Signatures(["a secret of some length"]);
const field = signatures.sign(signed, NOW, 5_000);

describe("a signature", () => {
  test("is believed for what was signed, and has the form of one", () => {
    expect(signatures.faultOf(field, signed, NOW)).toBeUndefined();
    expect(looksSigned(field)).toBe(true);
    expect(looksSigned("-")).toBe(false);
    expect(field).toHaveLength(SIGNATURE_BYTES);
  });

  test.each([
    ["key", { flightId: "shop:user:8" }],
    ["namespace", { flightId: "other:user:7" }],
    ["token", { token: "1700000000000001-p1-n1" }],
    ["kind, codec, nonce or takeovers", { header: "skein/1 value json n1 1" }],
    ["span", { header: "skein/1 value json n1 0 00-1-1-01" }],
    ["payload", { payload: Buffer.from('{"id":8}') }],
  ])("is not believed for another %s", (_what, change) => {
    expect(signatures.faultOf(field, { ...signed, ...change }, NOW)).toBe("signature");
  });

  test("is not believed after its time, nor when nobody knows what time it is", () => {
    expect(signatures.faultOf(field, signed, NOW + 5_000)).toBeUndefined();
    expect(signatures.faultOf(field, signed, NOW + 60_000)).toBe("expired");
    expect(signatures.faultOf(field, signed, undefined)).toBe("expired");
  });

  test("is not believed when its expiry was changed", () => {
    const [id, , digest] = field.split(".");
    const later = `${id}.${(NOW + 1e9).toString(36)}.${digest}`;
    expect(signatures.faultOf(later, signed, NOW)).toBe("signature");
  });

  test("of no form, of another secret, or of any garbage is a fault, never an exception", () => {
    const others = new Signatures(["another secret of some length"]);
    expect(others.faultOf(field, signed, NOW)).toBe("signature");
    expect(signatures.faultOf("-", signed, NOW)).toBe("signature");
    fc.assert(fc.property(fc.string(), (text) => signatures.faultOf(text, signed, NOW) === "signature"));
  });

  test("does not contain its secret", () => {
    expect(field).not.toContain("secret");
  });

  test("never fits two different things, whatever their parts", () => {
    const part = fc.stringMatching(/^[^\n]{0,20}$/);
    const thing = fc.record({
      flightId: part,
      token: part,
      header: part,
      payload: fc.uint8Array({ maxLength: 20 }),
    });
    fc.assert(
      fc.property(thing, thing, (one, other) => {
        const same =
          [one.flightId, one.token, one.header].join("\n") ===
            [other.flightId, other.token, other.header].join("\n") &&
          Buffer.compare(one.payload, other.payload) === 0;
        expect(signatures.faultOf(signatures.sign(one, NOW, 1), other, NOW) === undefined).toBe(same);
      }),
    );
  });
});

describe("secrets in rotation", () => {
  const [old, young] = ["the old secret, 16 bytes", "the young secret, 16 bytes"];

  test("are all believed; the first signs", () => {
    const before = new Signatures([old]);
    const between = new Signatures([old, young]);
    const turned = new Signatures([young, old]);
    const after = new Signatures([young]);
    const believes = (reader: Signatures, writer: Signatures): boolean =>
      reader.faultOf(writer.sign(signed, NOW, 1), signed, NOW) === undefined;
    for (const [reader, writer] of [
      [before, between],
      [between, before],
      [between, turned],
      [turned, between],
      [turned, after],
      [after, turned],
    ] as const) {
      expect(believes(reader, writer)).toBe(true);
    }
    expect(believes(before, after)).toBe(false);
  });

  test("may be bytes", () => {
    const bytes = new Signatures([Buffer.from(old)]);
    expect(bytes.faultOf(new Signatures([old]).sign(signed, NOW, 1), signed, NOW)).toBeUndefined();
  });
});
