import * as fc from "fast-check";
import { expect, test } from "vitest";
import { flightKeys } from "../flight-keys.ts";
import { formatWakeUp, parseWakeUp, type WakeUpKind } from "./wake-up.ts";

const keys = flightKeys({ namespace: "any namespace{}", maxKeyBytes: 65_536, hashKeys: false });
const kinds: readonly WakeUpKind[] = ["settled", "pointer", "resigned", "forgotten", "unwanted"];

test("what is formatted is parsed again, whatever key and outcome", () => {
  const wakeUp = fc.record({
    kind: fc.constantFrom(...kinds),
    flightId: fc.string({ unit: "binary", minLength: 1 }).map((key) => keys.flight(key).id),
    token: fc.constantFrom("1700000000000001-a-b", "1-p-n"),
    outcome: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(wakeUp, (sent) => {
      const received = parseWakeUp(formatWakeUp(sent));
      expect({ ...received, outcome: Uint8Array.from(received?.outcome ?? []) }).toEqual(sent);
    }),
  );
});

test("a message inside a larger buffer is read from where it begins", () => {
  const whole = Buffer.concat([
    Buffer.from("noise"),
    formatWakeUp({ kind: "settled", flightId: "n:k", token: "1-a-b", outcome: Buffer.from("v") }),
  ]);
  const message = whole.subarray("noise".length);
  expect(parseWakeUp(message)).toMatchObject({ kind: "settled", flightId: "n:k", token: "1-a-b" });
  expect(Buffer.from(parseWakeUp(message)?.outcome ?? []).toString()).toBe("v");
});

test("the outcome may hold line feeds, and may be empty", () => {
  for (const text of ["", "\n", "a\nb\n"]) {
    const message = formatWakeUp({
      kind: "settled",
      flightId: "n:k",
      token: "1-a-b",
      outcome: Buffer.from(text),
    });
    expect(Buffer.from(parseWakeUp(message)?.outcome ?? []).toString()).toBe(text);
  }
});

test("noise is never a wake-up, and never throws", () => {
  const header = fc.string({
    unit: fc.constantFrom("1", "2", " ", "\n", "s", "settled", "pointer", "n:k", "1-a-b", "\0"),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        header.map((text) => Buffer.from(text)),
      ),
      (noise) => {
        const parsed = parseWakeUp(noise);
        if (parsed === undefined) return;
        // It only counts if it is what would have been sent.
        expect(Buffer.from(formatWakeUp(parsed)).equals(noise)).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("a message of another version is none of ours", () => {
  const message = Buffer.from(
    formatWakeUp({ kind: "settled", flightId: "n:k", token: "1-a-b", outcome: Buffer.alloc(0) }),
  );
  message[0] = "9".charCodeAt(0);
  expect(parseWakeUp(message)).toBeUndefined();
});
