/** What becomes of a flight whose leader dies, stops, or is terminated. */
import { describe, expect, it } from "vitest";
import { Deployment } from "../fliers/deployment.ts";
import { SUCCEEDED_WITHIN_MS } from "../wakeup.ts";

const LONG_WORK = { workMs: 3_000 };

describe("a leader that dies", () => {
  it("is succeeded by exactly one follower, at the default lease of five: within a second, or when it ends for lists", async () => {
    await using fleet = await Deployment.start(4);
    await fleet.lead(0, "k:killed", { workMs: 60_000 });
    const followers = await Promise.all(
      [1, 2, 3].map((index) => fleet.follow(index, "k:killed", { workMs: 50 })),
    );
    const killedAt = performance.now();
    await fleet.flier(0).kill("SIGKILL");
    const answers = await Promise.all(followers.map(({ answer }) => answer));
    expect(performance.now() - killedAt).toBeLessThan(SUCCEEDED_WITHIN_MS);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(answers.filter(({ role }) => role === "leader")).toHaveLength(1);
    expect(new Set(answers.map(({ flightId }) => flightId)).size).toBe(1);
    expect(answers.every(({ takeovers }) => takeovers === 1)).toBe(true);
    expect(await fleet.executions()).toBe(1);
  });

  it("is not succeeded when the prefix says so: every follower runs the work itself", async () => {
    await using fleet = await Deployment.start(3, {
      prefixes: { "k:": { onLeaderLoss: "local", leaseMs: 2_000 } },
    });
    await fleet.lead(0, "k:lost", { workMs: 60_000 });
    const followers = await Promise.all([1, 2].map((index) => fleet.follow(index, "k:lost", { workMs: 10 })));
    await fleet.flier(0).kill("SIGKILL");
    for (const { answer } of followers) {
      expect(await answer).toMatchObject({ ok: true, role: "local", fallbackReason: "leader-lost" });
    }
    expect(await fleet.executions()).toBe(2);
  });

  it("hands over within tens of milliseconds when it closes without draining", async () => {
    await using fleet = await Deployment.start(2);
    const { answer: own } = await fleet.lead(0, "k:closed", LONG_WORK);
    const { answer } = await fleet.follow(1, "k:closed", { workMs: 10 });
    const closedAt = performance.now();
    await fleet.flier(0).call("close", 0);
    const told = await answer;
    expect(performance.now() - closedAt).toBeLessThan(2_000);
    expect(told).toMatchObject({ ok: true, role: "leader", takeovers: 0 });
    expect(await own).toMatchObject({ ok: false, error: { code: "ERR_SKEIN_CLOSED" } });
  });

  it("hands over on SIGTERM when it handles signals", async () => {
    await using fleet = await Deployment.start(2, { handleSignals: { drainMs: 0 } });
    await fleet.lead(0, "k:terminated", LONG_WORK);
    const { answer } = await fleet.follow(1, "k:terminated", { workMs: 10 });
    fleet.flier(0).signal("SIGTERM");
    expect(await answer).toMatchObject({ ok: true, role: "leader", takeovers: 0 });
    expect(await fleet.flier(0).exited).toMatchObject({ signal: "SIGTERM" });
  });

  it("finishes within its drain time on SIGTERM, and its followers get that outcome", async () => {
    await using fleet = await Deployment.start(2, { handleSignals: true });
    const { answer: own } = await fleet.lead(0, "k:drained", { held: true, value: "drained" });
    const { answer } = await fleet.follow(1, "k:drained");
    fleet.flier(0).signal("SIGTERM");
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, value: "drained" });
    expect(await answer).toMatchObject({ ok: true, value: "drained", role: "follower" });
    await fleet.flier(0).exited;
  });
});

describe("a leader that is stopped past its lease", () => {
  it("is succeeded once, is fenced when it comes back, and still answers its own caller", async () => {
    await using fleet = await Deployment.start(3, { prefixes: { "k:": { leaseMs: 1_000 } } });
    const { answer: own } = await fleet.lead(0, "k:stopped", { held: true, value: "old" });
    const followers = await Promise.all(
      [1, 2].map((index) => fleet.follow(index, "k:stopped", { workMs: 10, value: "new" })),
    );
    fleet.flier(0).signal("SIGSTOP");
    const answers = await Promise.all(followers.map(({ answer }) => answer));
    fleet.flier(0).signal("SIGCONT");
    await fleet.release(0);
    expect(answers.map(({ value }) => value)).toEqual(["new", "new"]);
    expect(await own).toMatchObject({ ok: true, value: "old", role: "leader" });
    await fleet.waitForEvent(0, "settle-fenced");
    expect(fleet.eventsOf(0, "lease-lost")).toHaveLength(1);
    expect(await fleet.executions()).toBe(2);
  });

  it("three times in a row is not declared a poisonous key", async () => {
    await using fleet = await Deployment.start(4, { prefixes: { "k:": { leaseMs: 500, maxTakeovers: 1 } } });
    let successions = 0;
    for (let round = 0; round < 3; round++) {
      const key = "k:slow";
      const { answer: own } = await fleet.lead(round, key, { held: true });
      const { answer } = await fleet.follow(3, key, { workMs: 10 });
      fleet.flier(round).signal("SIGSTOP");
      const told = await answer;
      expect(told).toMatchObject({ ok: true });
      if (told.role === "leader") successions++;
      fleet.flier(round).signal("SIGCONT");
      await fleet.release(round);
      expect(await own).toMatchObject({ ok: true });
      // Until it is settled, the next round's caller could still be served by this flight.
      await expect
        .poll(() => fleet.eventsOf(3, "settle-accepted").length, { timeout: 20_000 })
        .toBe(successions);
    }
  });
});

describe("work that kills its process", () => {
  it("costs three processes of six, and gives the others and newcomers a typed error until it is tried again", async () => {
    await using fleet = await Deployment.start(7, {
      prefixes: { "k:": { abandonMs: 3_000, leaseMs: 2_000 } },
    });
    const calls = [0, 1, 2, 3, 4, 5].map((index) => fleet.call(index, "k:poison", { kills: true }));
    const ends = await Promise.allSettled(calls);
    const answers = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    expect(answers).toHaveLength(3);
    for (const answer of answers) expect(answer.error?.code).toBe("ERR_SKEIN_FLIGHT_ABANDONED");
    const newcomer = await fleet.call(6, "k:poison", { kills: true });
    expect(newcomer.error?.code).toBe("ERR_SKEIN_FLIGHT_ABANDONED");
    await expect
      .poll(async () => (await fleet.call(6, "k:poison", { value: "cured" })).value, {
        timeout: 15_000,
        interval: 100,
      })
      .toBe("cured");
  });

  it("can be tried again at once after forget", async () => {
    await using fleet = await Deployment.start(3, {
      prefixes: { "k:": { maxTakeovers: 0, abandonMs: 600_000, leaseMs: 2_000 } },
    });
    await Promise.allSettled([fleet.call(0, "k:poison", { kills: true })]);
    await expect
      .poll(async () => (await fleet.call(1, "k:poison", { value: "?" })).error?.code, { timeout: 15_000 })
      .toBe("ERR_SKEIN_FLIGHT_ABANDONED");
    expect(await fleet.flier(2).call("forget", "k:poison")).toBe(true);
    expect(await fleet.call(1, "k:poison", { value: "cured" })).toMatchObject({ ok: true, value: "cured" });
  });
});
