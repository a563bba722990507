import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "./index.ts";

test("the clock is monotonic and has nothing to do with the calendar", () => {
  const readings = Array.from({ length: 1_000 }, () => systemClock.now());
  expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  expect(Math.abs(systemClock.now() - Date.now())).toBeGreaterThan(1e9);
});

test("a timer calls back once, unless it is cancelled; cancelling late or twice is harmless", async () => {
  const calls: string[] = [];
  const cancelled = systemClock.setTimer(() => calls.push("cancelled"), 1);
  cancelled.cancel();
  cancelled.cancel();
  await new Promise<void>((resolve) => {
    const timer = systemClock.setTimer(() => {
      calls.push("fired");
      timer.cancel();
      systemClock.setTimer(resolve, 5);
    }, 1);
  });
  expect(calls).toEqual(["fired"]);
});

test("a timer never calls back before its time by the same clock, fractions included", async () => {
  const early: number[] = [];
  const fire = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const delayMs = 1 + (index % 40) / 7;
      const dueAt = systemClock.now() + delayMs;
      systemClock.setTimer(() => {
        if (systemClock.now() < dueAt) early.push(dueAt - systemClock.now());
        resolve();
      }, delayMs);
    });
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 40 }, (_, index) => fire(index)));
  }
  expect(early).toEqual([]);
});

test("the longest delay is not taken for none", async () => {
  const calls: string[] = [];
  const longest = systemClock.setTimer(
    () => calls.push("longest"),
    // What is left of the longest delay, when it is computed from two readings of the clock.
    2_147_483_647.000_000_2,
  );
  await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20));
  longest.cancel();
  expect(calls).toEqual([]);
});

test("only an unref'd timer lets the process end", () => {
  const held = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = held();
  const unref = systemClock.setTimer(() => {}, 60_000, { unref: true });
  expect(held()).toBe(before);
  const ref = systemClock.setTimer(() => {}, 60_000);
  expect(held()).toBe(before + 1);
  unref.cancel();
  ref.cancel();
  expect(held()).toBe(before);
});

test("nextPoll lets input that has already arrived be handled first", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [
    [Socket],
    unknown,
  ];
  const order: string[] = [];
  const heard = once(near, "data").then(() => order.push("input"));
  // On the loopback interface the bytes are at the other end when write() returns.
  far.write("input");
  const polled = new Promise<void>((resolve) => systemClock.nextPoll(resolve)).then(() =>
    order.push("next poll"),
  );
  await Promise.all([heard, polled]);
  near.destroy();
  far.destroy();
  server.close();
  expect(order).toEqual(["input", "next poll"]);
});
