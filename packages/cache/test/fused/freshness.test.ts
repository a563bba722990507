/** How long entries are used, and who renews them. */
import { setTimeout as sleep } from "node:timers/promises";
import { RemoteWorkError } from "@skein/cluster";
import { waitUntil } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import { FleetOfCaches, HeldLoader } from "../fleet-of-caches.ts";

/**
 * Resolves when the entry is past its time; it is kept for longer. Redis counts from the beginning of a millisecond, the
 * process that wrote the entry from the moment in it: only a whole one less is past for both.
 */
async function pastItsTime(fleet: FleetOfCaches, key: string, graceMs: number): Promise<void> {
  await waitUntil(async () => (await fleet.admin.pttl(fleet.entryKey(key))) < graceMs);
}

describe("values", () => {
  test("undefined, null and falsy ones are values: kept if negative values are", async () => {
    await using fleet = await FleetOfCaches.start(2, { negativeTtlMs: 60_000 });
    for (const [index, value] of [undefined, null, 0, "", false].entries()) {
      expect(await fleet.at(0).cache.get(`k:${index}`, () => value)).toBe(value);
      await waitUntil(async () => (await fleet.admin.exists(fleet.entryKey(`k:${index}`))) === 1);
      expect(await fleet.at(1).cache.get(`k:${index}`, () => "never")).toBe(value);
    }
  });

  test("negative ones are not kept by default, and your own idea of negative counts", async () => {
    await using fleet = await FleetOfCaches.start(1, { isNegative: (value) => value === "none" });
    const { cache } = fleet.at(0);
    expect(await cache.get("k:a", () => "none")).toBe("none");
    expect(await cache.get("k:a", () => null)).toBe(null);
    expect(await cache.get("k:a", () => "never")).toBe(null);
  });

  test("of one call may live for another time", async () => {
    await using fleet = await FleetOfCaches.start(1);
    const { cache, events } = fleet.at(0);
    await cache.fetchThroughCache("k:a", () => 1, 2.5);
    await waitUntil(() => events.some(({ type }) => type === "written"));
    expect(events.flatMap((event) => (event.type === "written" ? [event.ttlMs] : []))).toEqual([2_500]);
    const { fetchThroughCache } = cache;
    expect(await fetchThroughCache("k:a", () => 2, 1)).toBe(1);
  });
});

describe("errors", () => {
  test("are not kept by default", async () => {
    await using fleet = await FleetOfCaches.start(1);
    const { cache } = fleet.at(0);
    await expect(cache.get("k:a", () => Promise.reject(new Error("boom")))).rejects.toThrow("boom");
    expect(await cache.get("k:a", () => 1)).toBe(1);
  });

  test("kept for a moment spare the work another try in the whole fleet", async () => {
    await using fleet = await FleetOfCaches.start(2, { errorTtlMs: 2_000 });
    const failing = (): never => {
      throw Object.assign(new Error("boom"), { code: "E_BOOM" });
    };
    await expect(fleet.at(0).cache.get("k:a", failing)).rejects.toThrow("boom");
    await waitUntil(() => fleet.at(0).events.some(({ type }) => type === "written"));
    const again = fleet.at(1).cache.get("k:a", () => "never");
    await expect(again).rejects.toBeInstanceOf(RemoteWorkError);
    await expect(again).rejects.toMatchObject({ message: "boom", code: "E_BOOM" });
  });
});

describe("with staleMs", () => {
  const STALE = { ttlMs: 200, staleMs: 60_000 };

  test("a value past its time is given at once while one process renews it", async () => {
    await using fleet = await FleetOfCaches.start(3, STALE);
    await fleet.at(0).cache.set("k:a", "old");
    await pastItsTime(fleet, "k:a", 60_000);
    const held = new HeldLoader<string>();
    for (const { cache } of fleet.members) expect(await cache.get("k:a", held.load)).toBe("old");
    for (const { cache } of fleet.members) expect(await cache.get("k:a", held.load)).toBe("old");
    await held.begun;
    expect(held.loads).toBe(1);
    held.end("new");
    await waitUntil(() => fleet.members.some(({ events }) => events.some(({ type }) => type === "refresh")));
    await waitUntil(async () => (await fleet.at(1).cache.get("k:a", () => "newer")) !== "old");
    expect(held.loads).toBe(1);
  });

  test("a renewal that fails leaves the value where it is, and the next one waits", async () => {
    await using fleet = await FleetOfCaches.start(2, { ...STALE, refreshBackoffMs: 60_000 });
    await fleet.at(0).cache.set("k:a", "old");
    await pastItsTime(fleet, "k:a", 60_000);
    let loads = 0;
    const failing = (): never => {
      loads++;
      throw new Error("boom");
    };
    expect(await fleet.at(0).cache.get("k:a", failing)).toBe("old");
    await waitUntil(() => fleet.at(0).clusterEvents.some(({ type }) => type === "settle-accepted"));
    for (let call = 0; call < 10; call++) {
      expect(await fleet.at(call % 2).cache.get("k:a", failing)).toBe("old");
    }
    expect(loads).toBe(1);
  });
});

describe("with staleIfErrorMs", () => {
  test("a value past its time stands in for a load that failed, for its own callers and for followers", async () => {
    await using fleet = await FleetOfCaches.start(2, { ttlMs: 100, staleIfErrorMs: 60_000 });
    await fleet.at(0).cache.set("k:a", "old");
    await pastItsTime(fleet, "k:a", 60_000);
    const held = new HeldLoader<string>();
    const led = fleet.at(0).cache.get("k:a", held.load);
    await held.begun;
    const followed = fleet.at(1).cache.get("k:a", () => "never");
    await waitUntil(() => fleet.at(1).clusterEvents.some(({ type }) => type === "follow"));
    held.fail(new Error("boom"));
    expect(await Promise.all([led, followed])).toEqual(["old", "old"]);
    expect(fleet.at(1).events).toContainEqual({ keyPrefix: "k:", type: "hit", how: "error", kind: "value" });
    expect(await fleet.at(0).cache.get("k:a", () => "new")).toBe("new");
  });
});

describe("with earlyRefresh", () => {
  test("an entry near its end is renewed by one, and everybody is given what is there", async () => {
    const randomness = { fraction: () => 0.999_999, identifier: (length: number) => "x".repeat(length) };
    await using fleet = await FleetOfCaches.start(2, { ttlMs: 30_000, earlyRefresh: 10, randomness });
    const slow = async (): Promise<string> => {
      await sleep(300);
      return "old";
    };
    expect(await fleet.at(0).cache.get("k:a", slow)).toBe("old");
    await waitUntil(() => fleet.at(0).events.some(({ type }) => type === "written"));
    const held = new HeldLoader<string>();
    // 300 ms x 10 x 13.8 is more than what is left.
    for (let round = 0; round < 3; round++) {
      for (const { cache } of fleet.members) expect(await cache.get("k:a", held.load)).toBe("old");
    }
    await held.begun;
    expect(held.loads).toBe(1);
    held.end("new");
    await waitUntil(async () => (await fleet.at(1).cache.get("k:a", held.load)) === "new");
    expect(held.loads).toBe(1);
    const told = fleet.members.flatMap(({ clusterEvents }) => clusterEvents);
    const started = told.filter(({ type }) => type === "execution-started");
    const background = started.filter((event) => "background" in event);
    const calls = told.flatMap((event) => (event.type === "call-ended" ? [event] : []));
    expect([started.length, background.length]).toEqual([2, 1]);
    // Executions and coalesced calls, less the executions that no call started, are calls.
    const coalesced = calls.filter((call) => call.coalesced).length;
    expect(started.length - background.length + coalesced).toBe(calls.length);
  });
});
