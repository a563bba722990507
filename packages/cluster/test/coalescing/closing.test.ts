/** What close() leaves others: those who follow a flight of this process, and the process itself. */
import { systemClock, type Clock, type Timer } from "@skein/core";
import { RedisServer, waitUntil } from "@skein/testkit";
import { ClusterSingleflight } from "@skein/cluster";
import { describe, expect, it } from "vitest";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

/** Instance 0 leads for instance 1 alone: its own caller has left. */
async function leadForOthers(fleet: FleetOfInstances, work: HeldWork<string>) {
  const leaving = new AbortController();
  const led = fleet.at(0).do("k:1", work.run, { signal: leaving.signal });
  await work.begun;
  const followed = fleet.at(1).fly("k:1", () => "own");
  await waitUntil(() => fleet.count(1, "follow") === 1, { what: "a follower" });
  leaving.abort(new Error("gone"));
  await expect(led).rejects.toThrow("gone");
  return { followed };
}

describe("a flight that only other processes wait for", () => {
  it("may finish within the drain time, and they get its outcome", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const work = new HeldWork<string>();
    const { followed } = await leadForOthers(fleet, work);
    let closed = false;
    const closing = fleet
      .at(0)
      .close({ drainMs: 60_000 })
      .then(() => (closed = true));
    // Longer than close() needs when it waits for nothing.
    await fleet.at(1).do("k:other", () => "meanwhile");
    expect([closed, work.signal?.aborted]).toEqual([false, false]);
    work.end("drained");
    expect(await followed).toMatchObject({ role: "follower", value: "drained" });
    await closing;
  });

  it("is given up when the drain time is over, and one of them succeeds", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const work = new HeldWork<string>();
    const { followed } = await leadForOthers(fleet, work);
    await fleet.at(0).close({ drainMs: 100 });
    expect(work.signal?.reason).toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    expect(await followed).toMatchObject({ role: "leader", value: "own", takeovers: 0 });
    work.end("too late");
  });
});

describe("a flight that a closing process follows", () => {
  async function follow(fleet: FleetOfInstances, work: HeldWork<string>, own: HeldWork<string>) {
    const led = fleet.at(0).do("k:1", work.run);
    led.catch(() => undefined);
    await work.begun;
    const followed = fleet.at(1).fly("k:1", own.run);
    followed.catch(() => undefined);
    await waitUntil(() => fleet.count(1, "follow") === 1, { what: "a follower" });
    return { led, followed };
  }

  it("still answers it within the drain time", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const [work, own] = [new HeldWork<string>(), new HeldWork<string>()];
    const { followed } = await follow(fleet, work, own);
    const closing = fleet.at(1).close({ drainMs: 60_000 });
    work.end("in time");
    expect(await followed).toMatchObject({ role: "follower", value: "in time" });
    await closing;
    expect(own.executions).toBe(0);
  });

  it("is not taken over by it: its callers are rejected at once, and the key is free for others", async () => {
    await using fleet = await FleetOfInstances.start(3);
    const [work, own] = [new HeldWork<string>(), new HeldWork<string>()];
    const { led, followed } = await follow(fleet, work, own);
    const closing = fleet.at(1).close({ drainMs: 60_000 });
    await fleet.at(0).close({ drainMs: 0 });
    await expect(led).rejects.toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    await expect(followed).rejects.toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    await closing;
    expect([own.executions, fleet.count(1, "lead"), fleet.count(1, "fallback")]).toEqual([0, 0, 0]);
    expect(await fleet.at(2).fly("k:1", () => "next")).toMatchObject({ role: "leader", takeovers: 0 });
    work.end("too late");
  });
});

/** The system's clock, knowing which timers would keep the process alive. */
class HeldClock implements Clock {
  readonly held = new Set<Timer>();
  readonly now = (): number => systemClock.now();
  readonly nextPoll = (callback: () => void): void => systemClock.nextPoll(callback);

  setTimer(callback: () => void, delayMs: number, options?: { unref?: boolean }): Timer {
    const inner = systemClock.setTimer(
      () => {
        this.held.delete(timer);
        callback();
      },
      delayMs,
      options,
    );
    const timer: Timer = {
      cancel: () => {
        this.held.delete(timer);
        inner.cancel();
      },
    };
    if (options?.unref !== true) this.held.add(timer);
    return timer;
  }
}

it.each([
  ["has resigned", false],
  ["was displaced and has closed", true],
])("a leader that %s keeps no timer, even if its work never ends", async (_what, displaced) => {
  await using redis = await RedisServer.start();
  const clock = new HeldClock();
  const types: string[] = [];
  const options = { redis: redis.url, redisTimeoutMs: 10_000, prefixes: ["k:"] };
  const observer = { onEvent: ({ type }: { type: string }) => void types.push(type) };
  const flights = new ClusterSingleflight({ ...options, clock, observer });
  await using other = new ClusterSingleflight(options);
  const work = new HeldWork<string>();
  const led = flights.do("k:hung", work.run);
  await work.begun;
  expect(clock.held.size).toBeGreaterThan(0);
  if (displaced) {
    await other.forget("k:hung");
    await waitUntil(() => types.includes("lease-lost"), { what: "the displacement" });
  }
  await Promise.all([flights.close({ drainMs: 0 }), expect(led).rejects.toThrow("closed")]);
  expect(clock.held.size).toBe(0);
});
