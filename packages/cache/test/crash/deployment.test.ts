/** A cache in several processes at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "@skein/testkit";
import { expect, test } from "vitest";
import { Deployment, sum } from "../fliers/deployment.ts";

const KEYS = 50;
const REPETITIONS = 5;

test("8 processes, 1,000 callers each, 50 cold keys: 50 loads, and everybody has the value", async () => {
  await using fleet = await Deployment.start(8);
  for (let repetition = 1; repetition <= REPETITIONS; repetition++) {
    const keys = Array.from({ length: KEYS }, (_, index) => `k:${repetition}-${index}`);
    const tallies = await fleet.each("stampede", keys, 1_000, 50);
    expect(sum(tallies, ({ loads }) => loads)).toBe(KEYS);
    expect(sum(tallies, ({ answers }) => answers)).toBe(8_000);
    expect(sum(tallies, ({ wrong }) => wrong)).toBe(0);
  }
});

test("expiry under steady load costs one execution each time", async () => {
  await using fleet = await Deployment.start(4, { ttlMs: 400 });
  const startedAt = performance.now();
  await fleet.each("ask", "k:steady", 5, 20);
  await sleep(3_000);
  const tallies = await fleet.each("stop");
  const tookMs = performance.now() - startedAt;
  // Every write is the end of one expiry; an execution that wrote nothing would be one too many.
  const loads = sum(tallies, (tally) => tally.loads);
  let written = sum(tallies, ({ events }) => events["written"] ?? 0);
  await waitUntil(async () => {
    // The last one may still be on its way.
    written += sum(await fleet.each("take"), ({ events }) => events["written"] ?? 0);
    return written >= loads;
  });
  expect(written).toBe(loads);
  expect(loads).toBeGreaterThanOrEqual(3);
  expect(loads).toBeLessThanOrEqual(1 + tookMs / 400);
  expect(sum(tallies, ({ wrong }) => wrong)).toBe(0);
});

test("with staleMs no caller waits for a renewal, and still only one process renews", async () => {
  const workMs = 3_000;
  await using fleet = await Deployment.start(4, { ttlMs: 500, staleMs: 60_000 });
  await fleet.each("stampede", ["k:stale"], 1, workMs);
  await fleet.each("ask", "k:stale", 5, workMs);
  await sleep(5_000);
  const tallies = await fleet.each("stop");
  const loads = sum(tallies, (tally) => tally.loads);
  const refreshes = sum(tallies, ({ events }) => events["refresh"] ?? 0);
  expect(loads).toBeGreaterThanOrEqual(2);
  expect(loads).toBe(refreshes);
  expect(sum(tallies, ({ events }) => events["stale hit"] ?? 0)).toBeGreaterThan(0);
  expect(sum(tallies, ({ events }) => events["miss"] ?? 0)).toBe(0);
  expect(Math.max(...tallies.map(({ slowestMs }) => slowestMs))).toBeLessThan(workMs);
});
