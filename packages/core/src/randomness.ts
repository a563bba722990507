/** Where jitter and identities come from; injected, so that a simulation can replay a run. Not for secrets. */
import { randomFillSync } from "node:crypto";

export interface Randomness {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `length` characters of lower-case base 36. */
  identifier(length: number): string;
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Bytes from here up would favour the first letters of the alphabet. */
const UNBIASED = 256 - (256 % ALPHABET.length);

/** Asking for some bytes costs as much as asking for many. */
const supply = new Uint8Array(4_096);
let used = supply.length;

/** The operating system's randomness. */
export const systemRandomness: Randomness = {
  fraction: () => Math.random(),
  identifier(length) {
    let text = "";
    while (text.length < length) {
      const byte = nextByte();
      if (byte < UNBIASED) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
    return text;
  },
};

function nextByte(): number {
  if (used === supply.length) {
    randomFillSync(supply);
    used = 0;
  }
  return supply[used++] ?? 0;
}
