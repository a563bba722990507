/** Where jitter and identities come from; injected, so that a simulation can replay a run. Not for secrets. */
import { randomInt } from "node:crypto";

export interface Randomness {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `length` characters of lower-case base 36. */
  identifier(length: number): string;
}

const RADIX = 36;

/** The operating system's randomness. */
export const systemRandomness: Randomness = {
  fraction: () => Math.random(),
  identifier: (length) => Array.from({ length }, () => randomInt(RADIX).toString(RADIX)).join(""),
};
