import { InvalidOptionError, Singleflight } from "@skein/core";
import { describe, expect, test } from "vitest";
import { createCache } from "./index.ts";

describe("no option that is refused shows what may be a secret:", () => {
  const flights = new Singleflight();
  const CANARIES = ["redis://:canary@127.0.0.1:1", "canary-secret", Symbol("canary"), ["canary"]];

  test.each([
    ["all of them", (canary: unknown) => canary],
    ["flights", (canary: unknown) => ({ flights: canary, ttlMs: 1 })],
    ...[
      "redis",
      "store",
      "codec",
      "schema",
      "observer",
      "clock",
      "randomness",
      "secret",
      "url",
      "isNegative",
    ].map((name) => [name, (canary: unknown) => ({ flights, ttlMs: 1, [name]: canary })] as const),
  ] as const)("%s", (_name, options) => {
    for (const canary of CANARIES) {
      expect(() => createCache(options(canary) as never)).toThrow(InvalidOptionError);
      expect(() => createCache(options(canary) as never)).not.toThrow(/canary/);
    }
  });
});
