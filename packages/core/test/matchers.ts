/** vitest's asymmetric matchers, without its `any`. */
import { expect } from "vitest";

export const aNumber: unknown = expect.any(Number);

export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}
