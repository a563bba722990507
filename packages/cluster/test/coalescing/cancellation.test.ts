/** Callers leave: of one process, of the leader, of the whole fleet. */
import { waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { oneServer } from "../topology/redis-topology.ts";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

/** Starts a led flight on 0 and a follower on 1; each caller can leave. */
async function ledAndFollowed(fleet: FleetOfInstances, key: string) {
  const work = new HeldWork<string>();
  const leading = new AbortController();
  const following = new AbortController();
  const led = fleet.at(0).do(key, work.run, { signal: leading.signal });
  await work.begun;
  const followed = fleet.at(1).do(key, work.run, { signal: following.signal });
  await waitUntil(() => fleet.count(1, "follow") > 0, { what: "the follower" });
  return { work, leading, following, led, followed };
}

describe("a caller that leaves", () => {
  it("gets its own reason, and the others get the outcome", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const { work, led, followed } = await ledAndFollowed(fleet, "k:one");
    const leaver = new AbortController();
    const leaving = fleet.at(0).do("k:one", work.run, { signal: leaver.signal });
    leaver.abort(new Error("changed my mind"));
    await expect(leaving).rejects.toThrow("changed my mind");
    work.end("outcome");
    expect(await Promise.all([led, followed])).toEqual(["outcome", "outcome"]);
    expect(work.signal?.aborted).toBe(false);
  });

  it("as the leader's only one does not stop work that another process waits for", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const { work, leading, led, followed } = await ledAndFollowed(fleet, "k:wanted");
    leading.abort(new Error("left"));
    await expect(led).rejects.toThrow("left");
    work.end("for the other");
    expect(await followed).toBe("for the other");
    expect(work.signal?.aborted).toBe(false);
    expect(work.executions).toBe(1);
  });

  it.runIf(oneServer)("as the last one of the fleet aborts the work", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const { work, leading, following, led, followed } = await ledAndFollowed(fleet, "k:last");
    leading.abort(new Error("left"));
    await expect(led).rejects.toThrow("left");
    expect(work.signal?.aborted).toBe(false);
    following.abort(new Error("left too"));
    await expect(followed).rejects.toThrow("left too");
    await waitUntil(() => work.signal?.aborted, { what: "the abort" });
    expect(work.signal?.reason).toMatchObject({ code: "ERR_SKEIN_UNWANTED" });
    const admin = fleet.redis.client();
    await waitUntil(async () => (await admin.dbsize()) === 0, { what: "an empty Redis" });
  });

  it("as the only one anywhere aborts the work at once and frees the key", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const work = new HeldWork<string>();
    const caller = new AbortController();
    const call = fleet.at(0).do("k:alone", work.run, { signal: caller.signal });
    await work.begun;
    caller.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    await waitUntil(() => work.signal?.aborted, { what: "the abort" });
    expect(await fleet.at(1).fly("k:alone", () => "mine")).toMatchObject({ role: "leader", value: "mine" });
  });

  it("before the election is over gives back a leadership it no longer wants", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const caller = new AbortController();
    const call = fleet.at(0).do("k:early", () => "never", { signal: caller.signal });
    caller.abort(new Error("at once"));
    await expect(call).rejects.toThrow("at once");
    expect(await fleet.at(1).do("k:early", () => "second")).toBe("second");
  });

  it("by its own timeout is told so, and a new caller in the same process joins the flight anew", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const { work, led, followed, leading } = await ledAndFollowed(fleet, "k:timeout");
    await expect(fleet.at(1).do("k:timeout", work.run, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "ERR_SKEIN_TIMEOUT",
    });
    leading.abort(new Error("left"));
    await expect(led).rejects.toThrow("left");
    const again = fleet.at(0).fly("k:timeout", work.run);
    await waitUntil(() => fleet.count(0, "follow") > 0, { what: "the leader's process following itself" });
    work.end("same flight");
    // It waited like a follower, but this process ran the work.
    expect(await again).toMatchObject({ value: "same flight", role: "leader", shared: false });
    expect(await followed).toBe("same flight");
    expect(work.executions).toBe(1);
    const ended = fleet.instance(0).events.filter((event) => event.type === "call-ended");
    expect(ended).toMatchObject([
      { ending: "left", role: "leader", coalesced: false },
      { ending: "value", role: "leader", coalesced: true },
    ]);
    expect(fleet.count(0, "execution-started")).toBe(1);
  });
});

describe("forget", () => {
  it("gives whoever calls afterwards a new execution, and the callers before it the old outcome", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const old = new HeldWork<string>();
    const led = fleet.at(0).do("k:forgotten", old.run);
    await old.begun;
    expect(await fleet.at(0).forget("k:forgotten")).toBe(true);
    expect(await fleet.at(0).do("k:forgotten", () => "new")).toBe("new");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    expect(await fleet.at(1).do("k:forgotten", () => "newer")).toBe("newer");
    old.end("old");
    expect(await led).toBe("old");
  });

  it("asked by a third process detaches the leader, and followers get the new execution", async () => {
    await using fleet = await FleetOfInstances.start(3);
    const old = new HeldWork<string>();
    const fresh = new HeldWork<string>();
    const led = fleet.at(0).do("k:elsewhere", old.run);
    await old.begun;
    const followed = fleet.at(1).do("k:elsewhere", fresh.run);
    await waitUntil(() => fleet.count(1, "follow") > 0, { what: "the follower" });
    expect(await fleet.at(2).forget("k:elsewhere")).toBe(true);
    await fresh.begun;
    await waitUntil(() => fleet.count(0, "lease-lost") > 0, { what: "the leader to hear of it" });
    const newcomer = fleet.at(0).fly("k:elsewhere", () => "third");
    await waitUntil(() => fleet.count(0, "follow") > 0, { what: "the newcomer" });
    fresh.end("fresh");
    expect(await followed).toBe("fresh");
    expect(await newcomer).toMatchObject({ value: "fresh", role: "follower" });
    old.end("old");
    expect(await led).toBe("old");
  });

  it("says false when there was nothing to forget", async () => {
    await using fleet = await FleetOfInstances.start(1);
    expect(await fleet.at(0).forget("k:nothing")).toBe(false);
    expect(await fleet.at(0).forget("cold")).toBe(false);
  });
});
