import { expect, test } from "vitest";
import { flightKeys } from "../flight-keys.ts";
import { hashSlot } from "./hash-slot.ts";

test.each([
  ["123456789", 12_739],
  ["foo", 12_182],
  ["{user1000}.following", 3_443],
  ["{user1000}.followers", 3_443],
  ["foo{}{bar}", 8_363],
  ["foo{{bar}}zap", 4_015],
  ["foo{bar}{zap}", 5_061],
  ["ключ", 10_303],
  ["", 0],
])("the slot of %j is %i, as a server says", (key, slot) => {
  expect(hashSlot(key)).toBe(slot);
});

test("the keys of one flight share a slot, whatever the application's key", () => {
  const keys = flightKeys({ namespace: "shop", maxKeyBytes: 1_024, hashKeys: false });
  for (const key of ["a", "{a}b", "}{", "{}", "ü{ö}"]) {
    const { leaseKey, flightKey, entryKey } = keys.flight(key);
    expect(new Set([leaseKey, flightKey, entryKey].map(hashSlot)).size).toBe(1);
  }
});
