/** What `set` and `delete` do to readers and to loads in progress. */
import { waitUntil } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import { FleetOfCaches, HeldLoader } from "../fleet-of-caches.ts";

describe("a write during a load", () => {
  test.each(["set", "delete"] as const)(
    "%s: the load in progress answers those who waited for it in its process, and is never written",
    async (write) => {
      await using fleet = await FleetOfCaches.start(2);
      const [loader, writer] = [fleet.at(0), fleet.at(1)];
      const held = new HeldLoader<string>();
      const loading = loader.cache.get("k:a", held.load);
      await held.begun;
      if (write === "set") expect(await writer.cache.set("k:a", "set")).toBe(true);
      else expect(await writer.cache.delete("k:a")).toBe(true);
      held.end("outdated");
      expect(await loading).toBe("outdated");
      await waitUntil(() =>
        loader.clusterEvents.some(({ type }) => type === "lease-lost" || type === "settle-fenced"),
      );
      const expected = write === "set" ? "set" : "new";
      for (const { cache } of fleet.members) expect(await cache.get("k:a", () => "new")).toBe(expected);
    },
  );

  test("callers in another process that waited for the load get what was set, without a load", async () => {
    await using fleet = await FleetOfCaches.start(2);
    const [loader, follower] = [fleet.at(0), fleet.at(1)];
    const held = new HeldLoader<string>();
    const loading = loader.cache.get("k:a", held.load);
    await held.begun;
    const following = follower.cache.get("k:a", () => "never");
    await waitUntil(() => follower.clusterEvents.some(({ type }) => type === "follow"));
    await loader.cache.set("k:a", "set");
    expect(await following).toBe("set");
    held.end("outdated");
    expect(await loading).toBe("outdated");
  });

  test("in the process that writes, a read right after it joins no load that began before", async () => {
    await using fleet = await FleetOfCaches.start(1);
    const { cache } = fleet.at(0);
    const held = new HeldLoader<string>();
    const loading = cache.get("k:a", held.load);
    await held.begun;
    await cache.delete("k:a");
    expect(await cache.get("k:a", () => "new")).toBe("new");
    held.end("outdated");
    expect(await loading).toBe("outdated");
    expect(await cache.get("k:a", () => "never")).toBe("new");
  });
});

describe("a write followed by a read", () => {
  test("never sees what was there before, whoever reads, under a load of readers", async () => {
    await using fleet = await FleetOfCaches.start(3);
    let over = false;
    await fleet.at(0).cache.set("k:n", 0);
    const noise = fleet.members.map(async ({ cache }) => {
      while (!over) await cache.get("k:n", () => -1);
    });
    for (let n = 1; n <= 150; n++) {
      expect(await fleet.at(n % 3).cache.set("k:n", n)).toBe(true);
      const seen = await Promise.all(fleet.members.map(({ cache }) => cache.get("k:n", () => -1)));
      expect(seen).toEqual([n, n, n]);
    }
    over = true;
    await Promise.all(noise);
  });

  test.each(["set", "delete"] as const)(
    "%s: a process that knew the old entry to be unexpired, and one that has no part in the load under way, see it at once",
    async (write) => {
      await using fleet = await FleetOfCaches.start(4);
      const [writer, knowing, loading, apart] = [fleet.at(0), fleet.at(1), fleet.at(2), fleet.at(3)];
      await writer.cache.set("k:a", "old");
      expect(await knowing.cache.get("k:a", () => "never")).toBe("old");
      await writer.cache.delete("k:b");
      const held = new HeldLoader<string>();
      const load = loading.cache.get("k:b", held.load);
      await held.begun;
      for (const key of ["k:a", "k:b"]) {
        const written = write === "set" ? writer.cache.set(key, "new") : writer.cache.delete(key);
        expect(await written).toBe(true);
        for (const { cache } of [knowing, apart]) expect(await cache.get(key, () => "new")).toBe("new");
      }
      held.end("outdated");
      expect(await load).toBe("outdated");
      expect(await apart.cache.get("k:b", () => "never")).toBe("new");
    },
  );

  test.each(["set", "delete"] as const)(
    "%s: a caller that comes to the process that loads, before that has heard of the write, is not given the old value",
    async (write) => {
      await using fleet = await FleetOfCaches.start(2, {}, { redisTimeoutMs: 20_000 });
      const [writer, loader] = [fleet.at(0), fleet.at(1)];
      const held = new HeldLoader<string>();
      const early = loader.cache.get("k:a", held.load);
      await held.begun;
      // No wake-up arrives: the process that loads is not told of the write.
      await fleet.admin.acl("SETUSER", "default", "-publish");
      await (write === "set" ? writer.cache.set("k:a", "new") : writer.cache.delete("k:a"));
      const late = loader.cache.get("k:a", () => "new");
      held.end("outdated");
      expect(await early).toBe("outdated");
      expect(await late).toBe("new");
    },
  );

  test("callers that come while a load runs are answered by it, when nothing was written", async () => {
    await using fleet = await FleetOfCaches.start(1);
    const { cache } = fleet.at(0);
    const held = new HeldLoader<string>();
    const early = cache.get("k:a", held.load);
    await held.begun;
    const late = [cache.get("k:a", () => "never"), cache.get("k:a", () => "never")];
    const leaving = new AbortController();
    const left = cache.get("k:a", () => "never", { signal: leaving.signal });
    left.catch(() => undefined);
    held.end("loaded");
    expect(await early).toBe("loaded");
    leaving.abort(new Error("left"));
    expect(await Promise.all(late)).toEqual(["loaded", "loaded"]);
    await expect(left).rejects.toThrow("left");
    expect(await cache.get("k:a", () => "never")).toBe("loaded");
  });

  test("a negative value that is not kept removes what was there", async () => {
    await using fleet = await FleetOfCaches.start(1);
    const { cache } = fleet.at(0);
    await cache.set("k:a", 1);
    expect(await cache.set("k:a", null)).toBe(true);
    expect(await cache.get("k:a", () => 2)).toBe(2);
  });

  test("a value too large to keep removes what was there, and says so", async () => {
    await using fleet = await FleetOfCaches.start(1, { maxEntryBytes: 100 });
    const { cache, events } = fleet.at(0);
    await cache.set("k:a", 1);
    expect(await cache.set("k:a", "x".repeat(200))).toBe(false);
    expect(events).toContainEqual({ keyPrefix: "k:", type: "not-written", why: "too-large" });
    expect(await cache.get("k:a", () => "y".repeat(200))).toBe("y".repeat(200));
    expect(await cache.get("k:a", () => 2)).toBe(2);
  });
});
