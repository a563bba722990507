import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonCodec, msgpackCodec, resolveCodec, type Codec } from "./codec.ts";
import { openOutcome, sealOutcome, type OpenedOutcome, type SealOptions } from "./envelope.ts";
import type { Outcome } from "./outcome.ts";
import { RemoteWorkError } from "./remote-work-error.ts";

const sealing: SealOptions = { codec: jsonCodec, nonce: "n0nce", takeovers: 1, maxOutcomeBytes: 1_000 };
const opening = { codec: jsonCodec, nonce: "n0nce" };
const codecs: [string, Codec][] = [
  ["json", jsonCodec],
  ["msgpack", msgpackCodec()],
];

function open(bytes: Uint8Array): OpenedOutcome {
  return openOutcome(bytes, opening);
}

function sealValue(value: unknown, options: Partial<SealOptions> = {}): Buffer {
  return sealOutcome({ kind: "value", value }, { ...sealing, ...options }).bytes;
}

/** An envelope with a checksum that is right whatever the header says. */
function forge(header: string, payload: string, last = "-"): Buffer {
  const checksum = crc32(payload, crc32(header)).toString(36);
  return Buffer.from(`${header} ${checksum} ${last}\n${payload}`);
}

describe("sealed and opened", () => {
  test.each(codecs)("a value comes out equal and as a fresh copy (%s)", (_, codec) => {
    const value = { user: { id: 1, tags: ["a", "ü", "\n", "\0"] } };
    const sealed = sealOutcome({ kind: "value", value }, { ...sealing, codec });
    expect(sealed.unshareable).toBe(false);
    const first = openOutcome(sealed.bytes, { codec, nonce: "n0nce" });
    const second = openOutcome(sealed.bytes, { codec, nonce: "n0nce" });
    expect(first).toEqual({ ok: true, outcome: { kind: "value", value }, takeovers: 1 });
    const [one, two] = [first, second].map(
      (opened) => (opened as { outcome: { value: object } }).outcome.value,
    );
    expect(one).toEqual(value);
    expect(one).not.toBe(two);
    expect(one).not.toBe(value);
  });

  test.each([undefined, null])("%s is a value, and no codec is asked about it", (value) => {
    const never = (): never => {
      throw new Error("asked");
    };
    const codec = resolveCodec({ encode: never, decode: never });
    const bytes = sealValue(value, { codec });
    expect(openOutcome(bytes, { codec, nonce: "n0nce" })).toEqual({
      ok: true,
      outcome: { kind: "value", value },
      takeovers: 1,
    });
  });

  test.each([0, "", false, [], {}, "null", "undefined"])("the value %j stays itself", (value) => {
    expect(open(sealValue(value))).toMatchObject({ ok: true, outcome: { kind: "value", value } });
  });

  test("an error comes out as a RemoteWorkError, whatever the codec", () => {
    const error = Object.assign(new TypeError("no row"), { code: "E_ROW" });
    const sealed = sealOutcome({ kind: "error", error }, { ...sealing, codec: msgpackCodec() });
    const opened = open(sealed.bytes);
    expect(sealed.unshareable).toBe(false);
    expect(opened).toMatchObject({ ok: true, outcome: { kind: "error" } });
    const revived = (opened as { outcome: { error: unknown } }).outcome.error;
    expect(revived).toBeInstanceOf(RemoteWorkError);
    expect(revived).toMatchObject({ message: "no row", code: "E_ROW", remoteName: "TypeError" });
  });

  test.each(["oversize", "not-encodable"] as const)("an outcome that is %s says so", (why) => {
    const sealed = sealOutcome({ kind: "unshareable", why }, sealing);
    expect(sealed.unshareable).toBe(why);
    expect(open(sealed.bytes)).toEqual({ ok: true, outcome: { kind: "unshareable", why }, takeovers: 1 });
  });

  test("every JSON value survives the journey", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(100), (text, takeovers) => {
        const value: unknown = JSON.parse(text);
        expect(open(sealValue(value, { takeovers, maxOutcomeBytes: 1e6 }))).toEqual({
          ok: true,
          outcome: { kind: "value", value },
          takeovers,
        });
      }),
    );
  });

  test("a view into a larger buffer is read as what it shows", () => {
    const bytes = sealValue({ a: 1 });
    const around = Buffer.concat([Buffer.from("skein/1 x"), bytes, Buffer.from("trailing")]);
    const view = new Uint8Array(around.buffer, around.byteOffset + 9, bytes.length);
    expect(open(view)).toMatchObject({ ok: true, outcome: { value: { a: 1 } } });
  });
});

describe("the span of the execution", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const header = "skein/1 value json n0nce 1";

  test("travels with the outcome when there is one; without, the envelope is what it has always been", () => {
    const outcome = { kind: "value", value: 1 } as const;
    expect(open(sealValue(1, { traceparent }))).toEqual({ ok: true, outcome, takeovers: 1, traceparent });
    expect(sealValue(1)).toEqual(forge(header, "1"));
    expect(sealValue(1, { traceparent })).toEqual(forge(`${header} ${traceparent}`, "1"));
  });

  test("in another form makes the whole envelope a miss", () => {
    for (const field of ["", "x", traceparent.toUpperCase(), `${traceparent} ${traceparent}`]) {
      expect(open(forge(`${header} ${field}`, "1"))).toEqual({ ok: false, why: "malformed" });
    }
  });

  test("is covered by the checksum, every bit of it", () => {
    const bytes = sealValue(1, { traceparent });
    const start = bytes.indexOf(traceparent);
    for (let bit = start * 8; bit < (start + traceparent.length) * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(open(flipped).ok, `bit ${bit}`).toBe(false);
    }
  });
});

describe("what cannot be shared", () => {
  test.each<[string, unknown]>([
    ["a BigInt", 1n],
    ["a function", () => 1],
    ["a Map", new Map([[1, 2]])],
    [
      "a getter that throws",
      {
        get a() {
          throw new Error("no");
        },
      },
    ],
  ])("%s becomes an unshareable envelope", (_, value) => {
    const sealed = sealOutcome({ kind: "value", value }, sealing);
    expect(sealed.unshareable).toBe("not-encodable");
    expect(open(sealed.bytes)).toMatchObject({
      ok: true,
      outcome: { kind: "unshareable", why: "not-encodable" },
    });
  });

  test("a codec of one's own that throws or returns a promise makes the outcome unshareable", () => {
    for (const encode of [
      () => {
        throw new Error("no");
      },
      () => Promise.resolve("x") as never,
      () => 5 as never,
    ]) {
      const codec = resolveCodec({ encode, decode: () => 1 });
      expect(sealOutcome({ kind: "value", value: 1 }, { ...sealing, codec }).unshareable).toBe(
        "not-encodable",
      );
    }
  });

  test("values and errors are shared up to maxOutcomeBytes, to the byte, and not beyond", () => {
    // 998 characters and two quotation marks; ü has two bytes.
    const fits: Outcome = { kind: "value", value: "x".repeat(998) };
    const tooLong: Outcome = { kind: "value", value: "x".repeat(999) };
    const tooWide: Outcome = { kind: "value", value: `${"x".repeat(997)}ü` };
    const error: Outcome = { kind: "error", error: new Error("x".repeat(1_000)) };
    expect(sealOutcome(fits, sealing).unshareable).toBe(false);
    for (const outcome of [tooLong, tooWide, error]) {
      const sealed = sealOutcome(outcome, sealing);
      expect(sealed.unshareable).toBe("oversize");
      expect(sealed.bytes.length).toBeLessThan(100);
      expect(open(sealed.bytes)).toMatchObject({ outcome: { kind: "unshareable", why: "oversize" } });
    }
  });
});

describe("what is not used", () => {
  test("an outcome of another flight", () => {
    const bytes = sealValue(1);
    expect(openOutcome(bytes, { codec: jsonCodec, nonce: "other" })).toEqual({ ok: false, why: "identity" });
    const nameless = sealValue(1, { nonce: "" });
    expect(openOutcome(nameless, { codec: jsonCodec, nonce: "" })).toEqual({ ok: false, why: "identity" });
  });

  test("a value of another codec; its errors and missing values are used", () => {
    const codec = msgpackCodec();
    expect(open(sealValue(1, { codec }))).toEqual({ ok: false, why: "codec" });
    expect(open(sealValue(null, { codec }))).toMatchObject({ ok: true });
  });

  test.each(["skein/0", "skein/2", "skein/10"])(
    "another version (%s), whatever its header looks like",
    (version) => {
      expect(open(forge(`${version} value json n0nce 0`, "1"))).toEqual({ ok: false, why: "version" });
      expect(open(Buffer.from(`${version} all is different now`))).toEqual({ ok: false, why: "version" });
    },
  );

  test("an envelope that claims to be signed, which nobody here can check", () => {
    expect(open(forge("skein/1 value json n0nce 0", "1"))).toMatchObject({ ok: true });
    expect(open(forge("skein/1 value json n0nce 0", "1", "c2lnbmF0dXJl"))).toEqual({
      ok: false,
      why: "malformed",
    });
  });

  test.each([
    ["an unknown kind", "skein/1 promise json n0nce 0", "1", "undecodable"],
    ["a kind that is a property of objects", "skein/1 constructor json n0nce 0", "1", "undecodable"],
    ["a payload that the codec refuses", "skein/1 value json n0nce 0", "{", "undecodable"],
    ["an error that is not one", "skein/1 error json n0nce 0", "[]", "undecodable"],
    ["undefined with a payload", "skein/1 undefined json n0nce 0", "1", "undecodable"],
    ["an unknown reason", "skein/1 unshareable json n0nce 0", "tired", "undecodable"],
    ["a field too few", "skein/1 value json n0nce", "1", "malformed"],
    ["a field too many", "skein/1 value json n0nce 0 0", "1", "malformed"],
    ["takeovers that are no number", "skein/1 value json n0nce 1e3", "1", "malformed"],
  ])("%s", (_, header, payload, why) => {
    expect(open(forge(header, payload))).toEqual({ ok: false, why });
  });

  test("a value that its codec turns into a promise", () => {
    const codec = resolveCodec({ encode: () => "x", decode: () => Promise.resolve(1) });
    expect(openOutcome(sealValue(1, { codec }), { codec, nonce: "n0nce" })).toEqual({
      ok: false,
      why: "undecodable",
    });
  });

  test("a header that does not end", () => {
    expect(open(Buffer.from(`skein/1 value json ${"n".repeat(1_000_000)}`))).toEqual({
      ok: false,
      why: "malformed",
    });
    expect(open(new Uint8Array())).toEqual({ ok: false, why: "malformed" });
  });

  test("arbitrary bytes: never thrown, never trusted", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(open(bytes).ok).toBe(false);
      }),
    );
  });

  test("arbitrary fields with a checksum that fits never throw", () => {
    const word = fc.string({ maxLength: 12 });
    const kind = fc.oneof(fc.constantFrom("value", "undefined", "null", "error", "unshareable"), word);
    const payload = fc.oneof(fc.json(), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(kind, word, word, payload, (kindName, codec, takeovers, text) => {
        const opened = open(forge(`skein/1 ${kindName} ${codec} n0nce ${takeovers}`, text));
        expect(typeof opened.ok).toBe("boolean");
      }),
    );
  });

  test.each(codecs)("any flipped bit of a valid envelope (%s)", (_, codec) => {
    const outcomes: Outcome[] = [
      { kind: "value", value: { id: 123, name: "n", list: [1, 2] } },
      { kind: "value", value: null },
      { kind: "error", error: new Error("boom") },
      { kind: "unshareable", why: "oversize" },
    ];
    for (const outcome of outcomes) {
      const { bytes } = sealOutcome(outcome, { ...sealing, codec });
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(openOutcome(flipped, { codec, nonce: "n0nce" }).ok, `bit ${bit} of ${outcome.kind}`).toBe(
          false,
        );
      }
    }
  });

  test.each(codecs)("any truncation or extension of a valid envelope (%s)", (_, codec) => {
    const bytes = sealValue({ id: 123, list: [1, 2] }, { codec });
    for (let length = 0; length < bytes.length; length++) {
      expect(openOutcome(bytes.subarray(0, length), { codec, nonce: "n0nce" }).ok).toBe(false);
    }
    const longer = Buffer.concat([bytes, Buffer.from(" ")]);
    expect(openOutcome(longer, { codec, nonce: "n0nce" })).toEqual({ ok: false, why: "malformed" });
  });
});
