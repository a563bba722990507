import { expect, test } from "vitest";
import { systemRandomness } from "./index.ts";

test("an identifier has the length asked for, in lower-case base 36, and does not repeat", () => {
  for (const length of [0, 1, 8, 100]) {
    expect(systemRandomness.identifier(length)).toMatch(new RegExp(`^[0-9a-z]{${length}}$`));
  }
  expect(new Set(Array.from({ length: 10_000 }, () => systemRandomness.identifier(8))).size).toBe(10_000);
});

test("no character of an identifier is favoured", () => {
  const counts = new Map<string, number>();
  for (const character of systemRandomness.identifier(360_000)) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect(counts.size).toBe(36);
  // 10,000 expected of each, standard deviation 99: seven of them are never seen by chance, a bias of 14 % always is.
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(700);
});

test("a fraction is at least 0 and less than 1", () => {
  for (let index = 0; index < 1_000; index++) {
    const fraction = systemRandomness.fraction();
    expect(fraction >= 0 && fraction < 1).toBe(true);
  }
});
