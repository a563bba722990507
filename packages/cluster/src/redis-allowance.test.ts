import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import { ClusterSingleflight } from "./cluster-singleflight.ts";
import { redisAllowanceMs } from "./redis-allowance.ts";

test("a tenth is set aside, and no more than 25 ms", () => {
  expect([5, 50, 250, 1_000, 60_000].map(redisAllowanceMs)).toEqual([5, 45, 225, 975, 59_975]);
});

test("a call that finds no Redis starts its work before redisTimeoutMs is over", async () => {
  const clock = new FakeClock();
  await using flights = new ClusterSingleflight({
    redis: "redis://127.0.0.1:1",
    prefixes: ["k:"],
    redisTimeoutMs: 250,
    clock,
  });
  let startedAt: number | undefined;
  const calledAt = clock.now();
  const answer = flights.do("k:1", () => {
    startedAt = clock.now() - calledAt;
    return "local";
  });
  await clock.advance(250);
  expect(await answer).toBe("local");
  expect(startedAt).toBeLessThanOrEqual(225);
});
