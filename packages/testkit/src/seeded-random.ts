/**
 * Chance that can be repeated: the same seed gives the same run. xoshiro128** (Blackman and Vigna), its state filled by
 * splitmix32 from a hash of the seed. Fits core's `Randomness`. Not for secrets.
 */

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

export class SeededRandom {
  readonly #seed: string;
  readonly #state: Uint32Array;

  /** Numbers and their decimal text are the same seed. */
  constructor(seed: number | string) {
    this.#seed = String(seed);
    this.#state = splitmix32(hash(this.#seed));
  }

  /** Uniform in [0, 1), with all 53 bits a number can hold. */
  fraction(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Uniform in 0 .. maxExclusive - 1; throws a RangeError unless `maxExclusive` is a positive safe integer. */
  integer(maxExclusive: number): number {
    if (!Number.isSafeInteger(maxExclusive) || maxExclusive <= 0) {
      throw new RangeError(`maxExclusive must be a positive safe integer, not ${maxExclusive}.`);
    }
    return Math.floor(this.fraction() * maxExclusive);
  }

  /** `length` characters of lower-case base 36. */
  identifier(length: number): string {
    let text = "";
    while (text.length < length) text += ALPHABET.charAt(this.integer(ALPHABET.length));
    return text;
  }

  /** One of the list; throws a RangeError when it is empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(list.length)] as T;
  }

  /** The list in another order; any is as likely as any other. */
  shuffled<T>(list: readonly T[]): T[] {
    const drawn = list.map((item) => ({ item, place: this.fraction() }));
    return drawn.toSorted((a, b) => a.place - b.place).map(({ item }) => item);
  }

  /** A generator of its own for a part of the run: depends on this seed and the label, not on what was drawn before. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${label}`);
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const mixedC = c ^ a;
    const mixedD = d ^ b;
    this.#state[0] = a ^ mixedD;
    this.#state[1] = b ^ mixedC;
    this.#state[2] = mixedC ^ (b << 9);
    this.#state[3] = rotateLeft(mixedD, 11);
    return Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

function splitmix32(seed: number): Uint32Array {
  let value = seed;
  return Uint32Array.from({ length: 4 }, () => {
    value = (value + 0x9e3779b9) | 0;
    let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  });
}
