import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { flightKeys } from "../flight-keys.ts";
import { defineScript } from "./define-script.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");
const script = defineScript("leave", ["first", "second", "third"], ["LEFT"]);

test("arguments given by name travel in the order of their definition", () => {
  expect(script.call(flight, { third: 3, first: "1", second: "" }).args).toEqual(["1", "", 3]);
});

test("every script gets the lease and the flight, in this order", () => {
  const { keys, script: sent } = script.call(flight, { first: 1, second: 2, third: 3 });
  expect(keys).toEqual([flight.leaseKey, flight.flightKey]);
  expect(sent.keyCount).toBe(keys.length);
});

test("bytes travel as they are, also from the middle of a larger buffer", () => {
  const bytes = Uint8Array.from([1, 0xff, 0, 0x80, 5]).subarray(1, 4);
  const [sent] = script.call(flight, { first: bytes, second: "", third: "" }).args;
  expect(Buffer.isBuffer(sent)).toBe(true);
  expect([...(sent as Buffer)]).toEqual([0xff, 0, 0x80]);
});

test("the digest is that of the text", () => {
  expect(script.sha1).toBe(createHash("sha1").update(script.text).digest("hex"));
});
