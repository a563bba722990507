import { expect, test } from "vitest";
import { redirectionIn } from "./redirection.ts";
import { SlotMap } from "./slot-map.ts";

const addressOf = (host: string, port: number): string => `${host}:${port}`;

test("it knows nobody before it was told, and then whom the reply names first for each range", () => {
  const map = new SlotMap();
  expect([map.known, map.at(0)]).toEqual([false, undefined]);
  const reply = [
    [0, 99, ["10.0.0.1", 7000, "id"], ["10.0.0.2", 7000, "replica"]],
    [100, 16_383, ["10.0.0.3", 7001, "id"]],
  ];
  expect(map.take(reply, "seed", addressOf)).toBe(true);
  expect([map.at(0), map.at(99), map.at(100)]).toEqual(["10.0.0.1:7000", "10.0.0.1:7000", "10.0.0.3:7001"]);
  expect([...map.primaries()]).toEqual(["10.0.0.1:7000", "10.0.0.3:7001"]);
  expect([map.known, map.hasGaps]).toEqual([true, false]);
});

test("a node without a name of its own is where it was found", () => {
  const map = new SlotMap();
  map.take(
    [
      [0, 5, [null, 7000]],
      [6, 6, ["", 7001]],
      [7, 7, ["?", 7002]],
    ],
    "seed",
    addressOf,
  );
  expect([map.at(5), map.at(6), map.at(7), map.at(8)]).toEqual([
    "seed:7000",
    "seed:7001",
    "seed:7002",
    undefined,
  ]);
  expect(map.hasGaps).toBe(true);
});

test.each([[[]], ["OK"], [null], [[[0, "x", ["a", 1]]]], [[[0, 20_000, ["a", 1]]]], [[[0, 1]]]])(
  "%j tells nothing, and what was known stays",
  (reply) => {
    const map = new SlotMap();
    map.learn(7, "a:1");
    expect(map.take(reply, "seed", addressOf)).toBe(false);
    expect([map.at(7), map.known]).toEqual(["a:1", false]);
  },
);

test.each([
  ["MOVED 3999 127.0.0.1:6381", { kind: "moved", slot: 3999, host: "127.0.0.1", port: 6381 }],
  ["ASK 3999 ::1:6381", { kind: "ask", slot: 3999, host: "::1", port: 6381 }],
  ["MOVED 1 :6381", { kind: "moved", slot: 1, host: "", port: 6381 }],
  ["MOVED 1 ?:6381", { kind: "moved", slot: 1, host: "", port: 6381 }],
  ["MOVED 1 redis-0.redis:6381", { kind: "moved", slot: 1, host: "redis-0.redis", port: 6381 }],
  ["TRYAGAIN Multiple keys request during rehashing of slot", undefined],
  ["MOVED somewhere", undefined],
])("%s", (message, redirection) => {
  expect(redirectionIn(message)).toEqual(redirection);
});
