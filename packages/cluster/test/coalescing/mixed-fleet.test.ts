/** Fleets in which some processes are woken by a subscription and some by a list, as in the middle of a deploy. */
import type { FlightResult } from "@skein/core";
import { waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { oneServer } from "../topology/redis-topology.ts";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

const WAYS = ["pubsub", "list"] as const;

interface Flown {
  readonly work: HeldWork<string>;
  readonly led: Promise<FlightResult<string>>;
  readonly followed: readonly Promise<FlightResult<string>>[];
}

/** So long that nothing is found by polling. */
const NO_POLLS = { pollEveryMs: 60_000, prefixes: { "k:": { leaseMs: 120_000 } } };

describe.each(WAYS)("a fleet of both kinds, led by a process that is woken by %s", (leads) => {
  const ways = [leads, "pubsub", "list"] as const;
  const start = (): Promise<FleetOfInstances> =>
    FleetOfInstances.start(3, (index) => ({ ...NO_POLLS, wakeup: ways[index] ?? leads }));

  /** The first process leads, the others follow. */
  async function fly(fleet: FleetOfInstances, key: string): Promise<Flown> {
    const work = new HeldWork<string>();
    const led = fleet.at(0).fly(key, work.run);
    await work.begun;
    const followed = [1, 2].map((index) => fleet.at(index).fly(key, () => `own of ${index}`));
    await waitUntil(() => fleet.count(1, "follow") === 1 && fleet.count(2, "follow") === 1, {
      what: "two followers",
    });
    return { work, led, followed };
  }

  it("shares the outcome by one wake-up each", async () => {
    await using fleet = await start();
    const { work, led, followed } = await fly(fleet, "k:shared");
    work.end("shared");
    const answers = await Promise.all([led, ...followed]);
    expect(answers.map(({ value, role }) => `${role} ${value}`)).toEqual([
      "leader shared",
      "follower shared",
      "follower shared",
    ]);
    for (const index of [1, 2]) {
      expect([fleet.count(index, "woken"), fleet.count(index, "wakeup-missed")]).toEqual([1, 0]);
    }
  });

  it("fetches an outcome that is too large to be sent along", async () => {
    await using fleet = await start();
    const { work, led, followed } = await fly(fleet, "k:large");
    work.end("x".repeat(100_000));
    const answers = await Promise.all([led, ...followed]);
    expect(new Set(answers.map(({ value }) => value.length))).toEqual(new Set([100_000]));
    for (const index of [1, 2]) expect(fleet.count(index, "woken")).toBe(1);
  });

  it("is led on by one follower when the leader closes", async () => {
    await using fleet = await start();
    const { led, followed } = await fly(fleet, "k:closed");
    const refused = led.catch((error: unknown) => error);
    await fleet.at(0).close({ drainMs: 0 });
    const answers = await Promise.all(followed);
    expect(answers.map(({ role }) => role).toSorted()).toEqual(["follower", "leader"]);
    expect(new Set(answers.map(({ value }) => value)).size).toBe(1);
    expect(await refused).toMatchObject({ code: "ERR_SKEIN_CLOSED" });
  });

  it("tells everybody of a forgotten flight", async () => {
    await using fleet = await start();
    const { work, led, followed } = await fly(fleet, "k:forgotten");
    expect(await fleet.at(2).forget("k:forgotten")).toBe(true);
    const answers = await Promise.all(followed);
    expect(new Set(answers.map(({ value }) => value)).size).toBe(1);
    expect(answers[0]?.value).toMatch(/^own of/);
    await waitUntil(() => fleet.count(0, "lease-lost") === 1, { what: "the leader to be told" });
    work.end("old");
    expect(await led).toMatchObject({ value: "old" });
  });

  it("aborts the work when the last caller anywhere has left", async () => {
    await using fleet = await start();
    const work = new HeldWork<string>();
    const own = new AbortController();
    const led = fleet
      .at(0)
      .fly("k:unwanted", work.run, { signal: own.signal })
      .catch(() => "left");
    await work.begun;
    const leaving = new AbortController();
    const followed = [1, 2].map((index) =>
      fleet
        .at(index)
        .fly("k:unwanted", () => "own", { signal: leaving.signal })
        .catch(() => "left"),
    );
    await waitUntil(() => fleet.count(1, "follow") === 1 && fleet.count(2, "follow") === 1);
    own.abort(new Error("left"));
    expect(await led).toBe("left");
    leaving.abort(new Error("left"));
    expect(await Promise.all(followed)).toEqual(["left", "left"]);
    await waitUntil(() => work.signal?.aborted === true, { what: "the abort of the work" });
    work.end("too late");
  });
});

it.runIf(oneServer)(
  "a push that fails is counted, and its receiver finds the outcome by its poll",
  async () => {
    await using fleet = await FleetOfInstances.start(2, {
      wakeup: "list",
      pollEveryMs: 200,
      prefixes: { "k:": {} },
    });
    const work = new HeldWork<string>();
    const led = fleet.at(0).fly("k:lost", work.run);
    await work.begun;
    const followed = fleet.at(1).fly("k:lost", () => "own");
    await waitUntil(() => fleet.count(1, "follow") === 1, { what: "the follower" });
    // Whichever of them the fleet is.
    for (const user of ["default", "skein"]) await fleet.redis.client().acl("SETUSER", user, "-lpush");
    work.end("found");
    expect(await followed).toMatchObject({ value: "found", role: "follower" });
    await led;
    await waitUntil(() => fleet.count(0, "wakeup-lost") === 1, { what: "the count" });
    expect(fleet.instance(0).events).toContainEqual({ type: "wakeup-lost", processes: 1 });
    await waitUntil(() => fleet.count(1, "wakeup-missed") === 1);
  },
);
