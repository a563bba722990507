import { expect, it } from "vitest";
import { Recurring } from "./recurring.ts";
import { waitUntil } from "./wait-until.ts";

it("does its action again and again until it is stopped", async () => {
  let done = 0;
  const recurring = Recurring.start(1, () => done++);
  await waitUntil(() => done >= 5);
  await recurring.stop();
  const atTheEnd = done;
  expect(recurring.count).toBe(atTheEnd);
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  expect(done).toBe(atTheEnd);
});

it("never does two at a time, and waits for the last", async () => {
  let running = 0;
  let most = 0;
  const slow = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    running--;
  };
  await using recurring = Recurring.start(0, slow);
  await waitUntil(() => recurring.count > 3);
  await recurring.stop();
  expect({ running, most }).toStrictEqual({ running: 0, most: 1 });
});

it("asks each time how long to wait", async () => {
  const asked: number[] = [];
  await using recurring = Recurring.start(
    () => asked.push(1),
    () => undefined,
  );
  await waitUntil(() => recurring.count > 3);
  expect(asked.length).toBeGreaterThanOrEqual(3);
});

it("ends with the first failure and tells it", async () => {
  const recurring = Recurring.start(0, () => {
    if (recurring.count === 3) throw new Error("no more");
  });
  await waitUntil(() => recurring.count === 3);
  await expect(recurring.stop()).rejects.toThrow("no more");
  expect(recurring.count).toBe(3);
});
