import { describe, expect, it } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

describe("SeededRandom", () => {
  it("gives the same run for the same seed, and another for another", () => {
    const draw = (seed: number | string) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20 }, () => random.fraction());
    };
    expect(draw(7)).toStrictEqual(draw("7"));
    expect(draw(7)).not.toStrictEqual(draw(8));
  });

  it("is the published xoshiro128**: two words make the 53 bits of a fraction", () => {
    // Computed with big integers from the published recurrence, independently of the code under test.
    const state = stateOf("1");
    const random = new SeededRandom(1);
    for (let round = 0; round < 50; round++) {
      const high = reference(state) >> 5n;
      const low = reference(state) >> 6n;
      expect(random.fraction()).toBe(Number((high << 26n) | low) / 2 ** 53);
    }
  });

  it("spreads fractions and integers evenly", () => {
    const random = new SeededRandom("even");
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 100_000; draw++) buckets[random.integer(10)]!++;
    // Six standard deviations of a fair draw.
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });

  it("makes identifiers of the length asked for, from all of base 36", () => {
    const random = new SeededRandom(3);
    expect(random.identifier(0)).toBe("");
    expect(random.identifier(12)).toMatch(/^[0-9a-z]{12}$/);
    expect(new Set(random.identifier(5_000)).size).toBe(36);
  });

  it("shuffles a list into every order, and leaves the list as it is", () => {
    const random = new SeededRandom(1);
    const list = ["a", "b", "c"];
    expect(new Set(Array.from({ length: 200 }, () => random.shuffled(list).join(""))).size).toBe(6);
    expect(list).toEqual(["a", "b", "c"]);
  });

  it("picks every element of a list, and refuses an empty one", () => {
    const random = new SeededRandom(4);
    expect(new Set(Array.from({ length: 200 }, () => random.pick(["a", "b", "c"]))).size).toBe(3);
    expect(() => random.pick([])).toThrow(RangeError);
    expect(() => random.integer(1.5)).toThrow("1.5");
  });

  it("forks independently of what was drawn, and differently for each label", () => {
    const fresh = new SeededRandom(5);
    const used = new SeededRandom(5);
    used.identifier(100);
    expect(used.fork("a").identifier(20)).toBe(fresh.fork("a").identifier(20));
    expect(fresh.fork("a").identifier(20)).not.toBe(fresh.fork("b").identifier(20));
  });
});

const WORD = 0xffffffffn;

function stateOf(seed: string): bigint[] {
  let value = 0x811c9dc5n;
  for (const character of seed) value = ((value ^ BigInt(character.charCodeAt(0))) * 0x01000193n) & WORD;
  return Array.from({ length: 4 }, () => {
    value = (value + 0x9e3779b9n) & WORD;
    let mixed = ((value ^ (value >> 16n)) * 0x21f0aaadn) & WORD;
    mixed = ((mixed ^ (mixed >> 15n)) * 0x735a2d97n) & WORD;
    return mixed ^ (mixed >> 15n);
  });
}

function reference(s: bigint[]): bigint {
  const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (32n - bits))) & WORD;
  const result = (rotate((s[1]! * 5n) & WORD, 7n) * 9n) & WORD;
  const t = (s[1]! << 9n) & WORD;
  s[2]! ^= s[0]!;
  s[3]! ^= s[1]!;
  s[1]! ^= s[2]!;
  s[0]! ^= s[3]!;
  s[2]! ^= t;
  s[3] = rotate(s[3]!, 11n);
  return result;
}
