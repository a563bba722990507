import type { Clock } from "@skein/core";
import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import { Patience } from "./patience.ts";

const LIMIT_MS = 250;

interface Setup {
  readonly clock: FakeClock;
  readonly patience: Patience;
  readonly now: () => number;
  /** The process does nothing for this long, while time goes on. */
  block(ms: number): void;
}

function setUp(): Setup {
  const clock = new FakeClock(0);
  let blockedMs = 0;
  const now = (): number => clock.now() + blockedMs;
  const late: Clock = {
    now,
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
    nextPoll: (callback) => clock.nextPoll(callback),
  };
  const block = (ms: number): void => {
    blockedMs += ms;
  };
  return { clock, patience: new Patience(late, LIMIT_MS), now, block };
}

/** What the promise has come to by now. */
function watch(promise: Promise<boolean>): { readonly answer: boolean | undefined } {
  const seen: { answer: boolean | undefined } = { answer: undefined };
  void promise.then((answer) => {
    seen.answer = answer;
  });
  return seen;
}

test("callers wait until the connection is up", async () => {
  const { clock, patience } = setUp();
  patience.begin();
  const first = watch(patience.wait(200));
  await clock.advance(100);
  expect(first.answer).toBeUndefined();
  patience.end(true);
  await clock.advance(0);
  expect(first.answer).toBe(true);
  expect(clock.pendingTimers).toBe(0);
});

test("a caller leaves at its own deadline", async () => {
  const { clock, patience } = setUp();
  patience.begin();
  const [hurried, calm] = [watch(patience.wait(50)), watch(patience.wait(240))];
  await clock.advance(51);
  expect(hurried.answer).toBe(false);
  expect(calm.answer).toBeUndefined();
});

test("once the connection has been away for the limit nobody waits, until it has been up again", async () => {
  const { clock, patience } = setUp();
  patience.begin();
  const waiting = watch(patience.wait(10_000));
  await clock.advance(LIMIT_MS);
  expect(waiting.answer).toBe(false);
  expect(patience.exhausted).toBe(true);
  await expect(patience.wait(10_000)).resolves.toBe(false);
  patience.end(true);
  expect(patience.exhausted).toBe(false);
  patience.begin();
  const again = watch(patience.wait(10_000));
  await clock.advance(10);
  expect(again.answer).toBeUndefined();
});

test("a process that was blocked while it connected gets the time again", async () => {
  const { clock, patience, now, block } = setUp();
  patience.begin();
  await clock.advance(100);
  block(2_000);
  await clock.advance(150);
  expect(patience.exhausted).toBe(false);
  const caller = watch(patience.wait(now() + 200));
  await clock.advance(100);
  patience.end(true);
  await clock.advance(0);
  expect(caller.answer).toBe(true);
});

test("after a connection was closed for good every answer is no", async () => {
  const { clock, patience } = setUp();
  patience.begin();
  const waiting = watch(patience.wait(10_000));
  patience.end(false);
  await clock.advance(0);
  expect(waiting.answer).toBe(false);
  await expect(patience.wait(10_000)).resolves.toBe(false);
  expect(clock.pendingTimers).toBe(0);
});
