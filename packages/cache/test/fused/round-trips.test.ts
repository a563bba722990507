/** What a cached call costs, as clients see it. */
import { waitUntil } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import { FleetOfCaches, HeldLoader } from "../fleet-of-caches.ts";

describe("round trips of a call", () => {
  test("an expected miss costs the leader two, as GET and SETEX would, and a follower one and a push", async () => {
    await using fleet = await FleetOfCaches.start(2);
    await fleet.warm();
    const [leader, follower] = [fleet.at(0), fleet.at(1)];
    const held = new HeldLoader<string>();
    const led = leader.cache.get("k:a", held.load);
    await held.begun;
    const followed = follower.cache.get("k:a", () => "never");
    await waitUntil(() => follower.clusterEvents.some(({ type }) => type === "follow"));
    held.end("loaded");
    expect(await Promise.all([led, followed])).toEqual(["loaded", "loaded"]);
    await waitUntil(() => leader.events.some(({ type }) => type === "written"));
    expect(leader.trips.take()).toEqual(["get+evalsha", "evalsha"]);
    expect(follower.trips.take()).toEqual(["get+evalsha"]);
    expect(held.loads).toBe(1);
  });

  test("a hit of an entry known to be unexpired costs one GET, for the one that wrote it and for one that has read it", async () => {
    await using fleet = await FleetOfCaches.start(2);
    await fleet.warm();
    const [writer, reader] = [fleet.at(0), fleet.at(1)];
    await writer.cache.get("k:a", () => "loaded");
    await waitUntil(() => writer.events.some(({ type }) => type === "written"));
    writer.trips.take();
    expect(await writer.cache.get("k:a", () => "again")).toBe("loaded");
    expect(writer.trips.take()).toEqual(["get"]);
    expect(await reader.cache.get("k:a", () => "again")).toBe("loaded");
    expect(reader.trips.take()).toEqual(["get+evalsha"]);
    expect(await reader.cache.get("k:a", () => "again")).toBe("loaded");
    expect(reader.trips.take()).toEqual(["get"]);
  });

  test("an unexpected miss costs one more", async () => {
    await using fleet = await FleetOfCaches.start(1);
    await fleet.warm();
    const { cache, trips, events } = fleet.at(0);
    await cache.get("k:a", () => "loaded");
    await waitUntil(() => events.some(({ type }) => type === "written"));
    await fleet.admin.del(fleet.entryKey("k:a"));
    trips.take();
    const written = events.filter(({ type }) => type === "written").length;
    expect(await cache.get("k:a", () => "again")).toBe("again");
    await waitUntil(() => events.filter(({ type }) => type === "written").length > written);
    expect(trips.take()).toEqual(["get", "get+evalsha", "evalsha"]);
    expect(events).toContainEqual({ keyPrefix: "k:", type: "miss", unexpected: true });
  });

  test("a thousand callers of one moment cost what one does", async () => {
    await using fleet = await FleetOfCaches.start(1);
    await fleet.warm();
    const { cache, trips } = fleet.at(0);
    await cache.set("k:a", 7);
    trips.take();
    const all = await Promise.all(Array.from({ length: 1_000 }, () => cache.get("k:a", () => 8)));
    expect(new Set(all)).toEqual(new Set([7]));
    expect(trips.take()).toEqual(["get"]);
  });

  test("set and delete cost one each", async () => {
    await using fleet = await FleetOfCaches.start(1);
    await fleet.warm();
    const { cache, trips } = fleet.at(0);
    await cache.set("k:warm", 1);
    trips.take();
    expect(await cache.set("k:a", 1)).toBe(true);
    expect(trips.take()).toEqual(["evalsha"]);
    expect(await cache.delete("k:a")).toBe(true);
    expect(trips.take()).toEqual(["evalsha"]);
  });

  test("what is known is bounded: the entry learned longest ago is asked about again", async () => {
    await using fleet = await FleetOfCaches.start(1, { maxKnownEntries: 2 });
    await fleet.warm();
    const { cache, trips } = fleet.at(0);
    for (const key of ["k:a", "k:b", "k:c"]) await cache.set(key, key);
    trips.take();
    for (const key of ["k:c", "k:b", "k:a"]) expect(await cache.get(key, () => "never")).toBe(key);
    expect(trips.take()).toEqual(["get", "get", "get+evalsha"]);
  });
});
