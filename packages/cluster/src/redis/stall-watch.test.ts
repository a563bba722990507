import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import { StallWatch } from "./stall-watch.ts";

interface Setup {
  readonly clock: FakeClock;
  readonly stalls: StallWatch;
  /** The process does nothing for this long, while time goes on. */
  block(ms: number): void;
}

function setUp(): Setup {
  const clock = new FakeClock(0);
  let blockedMs = 0;
  const stalls = new StallWatch({
    now: () => clock.now() + blockedMs,
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
    nextPoll: (callback) => clock.nextPoll(callback),
  });
  const block = (ms: number): void => {
    blockedMs += ms;
  };
  return { clock, stalls, block };
}

test("time for which the process was blocked is known while somebody waits", async () => {
  const { clock, stalls, block } = setUp();
  stalls.begin();
  await clock.advance(30);
  block(400);
  await clock.advance(20);
  expect(stalls.within(450)).toBeGreaterThan(370);
  expect(stalls.within(450)).toBeLessThanOrEqual(400);
  stalls.end();
});

test("only the part of a stall that falls into the period counts", async () => {
  const { clock, stalls, block } = setUp();
  stalls.begin();
  block(400);
  await clock.advance(20);
  await clock.advance(100);
  expect(stalls.within(150)).toBe(50);
  expect(stalls.within(100)).toBe(0);
  stalls.end();
});

test("a process that is not blocked has no stalls", async () => {
  const { clock, stalls } = setUp();
  stalls.begin();
  await clock.advance(10_000);
  expect(stalls.within(10_000)).toBe(0);
  stalls.end();
});

test("nothing is looked at while nobody waits", async () => {
  const { clock, stalls } = setUp();
  stalls.begin();
  stalls.begin();
  stalls.end();
  expect(clock.pendingTimers).toBe(1);
  stalls.end();
  expect(clock.pendingTimers).toBe(0);
});
