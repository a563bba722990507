/** What observers can count: limits that bite, wake-ups by pointer, and the role of callers that leave early. */
import { KEY_PREFIX_OF } from "@skein/core/internal";
import { waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { expect, test } from "vitest";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

type Of<T extends ClusterEvent["type"]> = Extract<ClusterEvent, { type: T }>;

function told<T extends ClusterEvent["type"]>(events: readonly ClusterEvent[], type: T): Of<T>[] {
  return events.filter((event): event is Of<T> => event.type === type);
}

test("a key that is empty or too long is told as a refused call, never with the key", async () => {
  await using fleet = await FleetOfInstances.start(1, { maxKeyBytes: 10, exposeKeys: true });
  for (const key of ["", "k:0123456789"]) {
    await expect(fleet.at(0).do(key, () => 1)).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_KEY" });
  }
  expect(told(fleet.instance(0).events, "call-refused")).toEqual([
    { type: "call-refused", keyPrefix: "other", why: "key" },
    { type: "call-refused", keyPrefix: "k:", why: "key" },
  ]);
});

test("keys that match no declared prefix are told under what keyPrefixOf says, declared ones are not", async () => {
  const keyPrefixOf = (key: string): string | undefined => /^[a-z]+:/.exec(key)?.[0].toUpperCase();
  await using fleet = await FleetOfInstances.start(1, { maxKeyBytes: 10, keyPrefixOf });
  for (const key of ["k:1", "cold:1", "?"]) await fleet.at(0).do(key, () => 1);
  await expect(fleet.at(0).do("cold:0123456789", () => 1)).rejects.toThrow("maxKeyBytes");
  const { events } = fleet.instance(0);
  expect(told(events, "call-ended").map(({ keyPrefix }) => keyPrefix)).toEqual(["k:", "COLD:", "other"]);
  expect(told(events, "call-refused")).toEqual([{ type: "call-refused", keyPrefix: "COLD:", why: "key" }]);
  expect(Reflect.get(fleet.at(0), KEY_PREFIX_OF)).toSatisfy(
    (offered: typeof keyPrefixOf) => offered("k:1") === "k:" && offered("cold:1") === "COLD:",
  );
});

test("a local run that the prefix refuses is told, with the reason of the fallback and of the refusal", async () => {
  const events: ClusterEvent[] = [];
  await using flights = new ClusterSingleflight({
    redis: "redis://127.0.0.1:1",
    redisTimeoutMs: 50,
    prefixes: { "e:": { onUnavailable: "error" }, "l:": { maxFallbackConcurrency: 1 } },
    observer: { onEvent: (event) => void events.push(event) },
  });
  await flights.do("e:1", () => 1).catch(() => undefined);
  const work = new HeldWork<number>();
  const first = flights.do("l:1", work.run);
  await work.begun;
  await flights.do("l:2", () => 2).catch(() => undefined);
  work.end(1);
  await first;
  expect(told(events, "fallback-refused")).toMatchObject([
    { keyPrefix: "e:", reason: "unavailable", why: "unavailable" },
    { keyPrefix: "l:", why: "limit" },
  ]);
});

test("an outcome that is fetched because of a pointer was not missed, and its age is told", async () => {
  await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { inlineMaxBytes: 0 } } });
  const work = new HeldWork<string>();
  const led = fleet.at(0).do("k:1", work.run);
  await work.begun;
  const followed = fleet.at(1).fly("k:1", () => "own");
  await waitUntil(() => fleet.count(1, "follow") === 1, { what: "a follower" });
  work.end("large");
  expect(await followed).toMatchObject({ role: "follower", value: "large" });
  await led;
  expect(fleet.count(1, "wakeup-missed")).toBe(0);
  const [woken] = told(fleet.instance(1).events, "woken");
  expect(woken?.sinceSettledMs).toBeGreaterThanOrEqual(0);
  expect(woken?.sinceSettledMs).toBeLessThan(10_000);
  await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settle's answer" });
  const [settled] = told(fleet.instance(0).events, "settle-accepted");
  expect(settled).toMatchObject({ woken: 1, settles: 1 });
  expect(settled?.tookMs).toBeGreaterThan(0);
});

test("a settle wakes as many followers as the limit says, and further ones wake the rest", async () => {
  await using fleet = await FleetOfInstances.start(4, { maxWokenPerSettle: 2 });
  const work = new HeldWork<string>();
  const led = fleet.at(0).do("k:1", work.run);
  await work.begun;
  const followed = [1, 2, 3].map((index) => fleet.at(index).fly("k:1", () => "own"));
  await waitUntil(() => [1, 2, 3].every((index) => fleet.count(index, "follow") === 1), {
    what: "followers",
  });
  work.end("v");
  await led;
  for (const result of await Promise.all(followed)) {
    expect(result).toMatchObject({ role: "follower", value: "v" });
  }
  await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settle's answer" });
  expect(told(fleet.instance(0).events, "settle-accepted")).toMatchObject([{ woken: 3, settles: 2 }]);
  expect([1, 2, 3].map((index) => fleet.count(index, "woken"))).toEqual([1, 1, 1]);
});

test("a caller that leaves is told in the role its process has, under the flight's name in the fleet", async () => {
  await using fleet = await FleetOfInstances.start(2);
  const work = new HeldWork<string>();
  const leaving = new AbortController();
  const { signal } = leaving;
  const led = fleet.at(0).do("k:1", work.run, { signal });
  await work.begun;
  const followed = fleet.at(1).do("k:1", work.run, { signal });
  await waitUntil(() => fleet.count(1, "follow") === 1, { what: "a follower" });
  leaving.abort(new Error("gone"));
  await Promise.all([led, followed].map((call) => expect(call).rejects.toThrow("gone")));
  const [lead] = told(fleet.instance(0).events, "lead");
  for (const [index, role] of ["leader", "follower"].entries()) {
    const { events } = fleet.instance(index);
    const expected = { role, flightId: lead?.flightId, ending: "left" };
    expect(told(events, "call-ended")).toMatchObject([expected]);
    expect(told(events, "flight-ended")).toMatchObject([expected]);
  }
  work.end("nobody's");
});
