import { InvalidOptionError } from "@skein/core";
import { Redis } from "ioredis";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { openClient, reconnectDelayMs, type NodeSource } from "./connection-profile.ts";

function refusal(source: unknown): InvalidOptionError {
  try {
    openClient(source as NodeSource, () => 20).disconnect();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error("the source was accepted");
}

test.each([
  ["options", { host: "127.0.0.1", port: 1, keyPrefix: "app:" }],
  ["a client", new Redis({ lazyConnect: true, keyPrefix: "app:" })],
  ["a URL", "redis://127.0.0.1:1?keyPrefix=app:"],
])("a key prefix is refused by name: in %s", (_where, source) => {
  const error = refusal(source);
  expect(error.option).toBe("redis.keyPrefix");
  expect(error.message).toContain('"app:"');
  expect(error.message).toContain("namespace");
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a number", 6379],
  ["a list", ["127.0.0.1"]],
  ["another kind of client", { duplicate: () => ({}), isOpen: true }],
  ["a URL of another protocol", "http://127.0.0.1"],
  ["a bare host", "localhost:6379"],
])("what is no Redis is refused: %s", (_what, source) => {
  expect(refusal(source)).toMatchObject({ option: "redis", code: "ERR_SKEIN_INVALID_OPTION" });
});

test.each(["redis://:canary-password@127.0.0.1:999999", "amqp://:canary-password@127.0.0.1"])(
  "a refused URL is not quoted, since it may hold a password: %s",
  (url) => {
    expect(inspect(refusal(url), { depth: 9, showHidden: true })).not.toContain("canary");
  },
);

test("the first reconnects come after 20 ms, later ones grow to at most half a second, with jitter", () => {
  const delays = (fraction: number): number[] =>
    Array.from({ length: 20 }, (_unused, index) =>
      reconnectDelayMs(index + 1, { fraction: () => fraction, identifier: () => "x" }),
    );
  expect(delays(0.3).slice(0, 5)).toEqual([20, 20, 20, 20, 20]);
  expect(Math.max(...delays(0.999))).toBeLessThanOrEqual(500);
  expect(delays(0).slice(-5)).toEqual([250, 250, 250, 250, 250]);
  expect(delays(0.999).slice(5, 9)).toEqual([40, 80, 160, 320]);
});
