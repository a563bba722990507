/** Where jitter and identities come from; injected, so that a simulation can replay a run. Not for secrets. */
import { randomBytes } from "node:crypto";

export interface Randomness {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `length` characters of lower-case base 36. */
  identifier(length: number): string;
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Bytes from here up would favour the first letters of the alphabet. */
const UNBIASED = 256 - (256 % ALPHABET.length);

/** The operating system's randomness. */
export const systemRandomness: Randomness = {
  fraction: () => Math.random(),
  identifier(length) {
    let text = "";
    while (text.length < length) {
      for (const byte of randomBytes(length * 2)) {
        if (byte >= UNBIASED || text.length === length) continue;
        text += ALPHABET.charAt(byte % ALPHABET.length);
      }
    }
    return text;
  },
};
