/** Redis stops, hangs and comes back while calls go on. */
import { describe, expect, it } from "vitest";
import { Deployment } from "../fliers/deployment.ts";

describe("with Redis gone", () => {
  it("while nothing was asked, calls open the breaker once, and it closes when Redis is back", async () => {
    await using fleet = await Deployment.start(1, { redisTimeoutMs: 250 });
    expect(await fleet.call(0, "k:before")).toMatchObject({ ok: true, role: "leader" });
    await fleet.redis.kill();
    const states = (): unknown[] => fleet.eventsOf(0, "breaker").map(({ state }) => state);
    const links = (): unknown[] =>
      fleet.eventsOf(0, "link").flatMap(({ link, state }) => (link === "commands" ? [state] : []));
    await expect.poll(links).toContain("down");
    expect(states()).toEqual([]);
    expect(await fleet.call(0, "k:first")).toMatchObject({ role: "local", fallbackReason: "unavailable" });
    await expect
      .poll(async () => (await fleet.call(0, "k:next")).fallbackReason, { timeout: 10_000, interval: 10 })
      .toBe("breaker-open");
    expect(states()).toEqual(["open"]);
    await fleet.restartRedis();
    await expect
      .poll(async () => (await fleet.call(0, "k:again")).role, { timeout: 15_000, interval: 10 })
      .toBe("leader");
    expect(states().at(-1)).toBe("closed");
  });

  it("no call fails, later ones do not wait, and coalescing resumes by itself", async () => {
    await using fleet = await Deployment.start(2, { redisTimeoutMs: 250 });
    expect(await fleet.call(0, "k:before")).toMatchObject({ ok: true, role: "leader" });
    await fleet.redis.kill();
    const first = await fleet.call(0, "k:first", { workMs: 1 });
    expect(first).toMatchObject({ ok: true, role: "local" });
    await expect
      .poll(async () => (await fleet.call(0, "k:next")).tookMs, { timeout: 5_000, interval: 10 })
      .toBeLessThan(10);
    const later = await Promise.all(
      Array.from({ length: 50 }, (_, index) => fleet.call(0, `k:later-${index}`)),
    );
    expect(
      later.every(({ ok, role, fallbackReason }) => ok && role === "local" && fallbackReason !== undefined),
    ).toBe(true);
    await fleet.restartRedis();
    await expect
      .poll(
        async () => {
          const [a, b] = await Promise.all(
            [0, 1].map((index) => fleet.call(index, "k:again", { workMs: 50 })),
          );
          return new Set([a?.role, b?.role]);
        },
        { timeout: 15_000, interval: 50 },
      )
      .toEqual(new Set(["leader", "follower"]));
  });

  it("a follower of a leader elsewhere runs the work itself in the end", async () => {
    await using fleet = await Deployment.start(2, {
      redisTimeoutMs: 250,
      prefixes: { "k:": { leaseMs: 1_000 } },
    });
    const { answer: own } = await fleet.lead(0, "k:cut", { workMs: 8_000 });
    const { answer } = await fleet.follow(1, "k:cut", { workMs: 10, value: "mine" });
    await fleet.redis.kill();
    expect(await answer).toMatchObject({ ok: true, role: "local", value: "mine" });
    expect(await own).toMatchObject({ ok: true, role: "leader" });
  });

  it("a follower notices within three seconds and a timeout, however rarely it polls and however long the lease", async () => {
    const rarely = { pollEveryMs: 60_000, prefixes: { "k:": { leaseMs: 60_000 } } };
    await using fleet = await Deployment.start(2, { redisTimeoutMs: 250, ...rarely });
    await fleet.lead(0, "k:cut", { workMs: 25_000 });
    const { answer } = await fleet.follow(1, "k:cut", { workMs: 10, value: "mine" });
    await fleet.redis.kill();
    const told = await answer;
    expect(told).toMatchObject({ ok: true, role: "local", value: "mine" });
    expect(told.tookMs).toBeLessThan(15_000);
  });
});

describe("with Redis hung for two seconds", () => {
  it("no call fails, and no lease is left behind by a join that timed out", async () => {
    await using fleet = await Deployment.start(2, { redisTimeoutMs: 250 });
    await fleet.call(0, "k:warm");
    await fleet.redis.pause();
    const hungAt = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => fleet.call(0, `k:hung-${index}`, { workMs: 5 })),
    );
    expect(answers.every(({ ok, role }) => ok && role === "local")).toBe(true);
    const later = await fleet.call(0, "k:hung-later");
    expect(later).toMatchObject({ ok: true, role: "local" });
    // It is open, or just being tried.
    expect(["breaker-open", "fallback-probe"]).toContain(later.fallbackReason);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 2_000 - (performance.now() - hungAt))));
    await fleet.redis.resume();
    const admin = fleet.redis.client();
    await expect
      .poll(async () => (await fleet.call(0, "k:recovered")).role, { timeout: 10_000, interval: 50 })
      .toBe("leader");
    expect(await admin.keys("*hung*:lease")).toEqual([]);
  });

  it("a flight under way is not disturbed", async () => {
    await using fleet = await Deployment.start(2, { redisTimeoutMs: 250 });
    const { answer: own } = await fleet.lead(0, "k:through", { held: true, value: "one" });
    const { answer } = await fleet.follow(1, "k:through");
    await fleet.redis.pause();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await fleet.redis.resume();
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true, value: "one", role: "leader" });
    expect(await answer).toMatchObject({ ok: true, value: "one", role: "follower" });
    expect(await fleet.executions()).toBe(1);
  });
});
