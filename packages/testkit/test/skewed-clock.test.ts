import { describe, expect, it } from "vitest";
import { RedisServer } from "../src/redis-server.ts";
import { SkewedClock } from "../src/skewed-clock.ts";

const available = await SkewedClock.available();

it("says whether this machine can skew a server's clock, and what is missing if not", () => {
  expect(available === true || available.length > 20).toBe(true);
});

describe.runIf(available === true)(`SkewedClock (available: ${available})`, () => {
  it("lets a server's clock jump both ways while it runs, and leaves ours alone", async () => {
    await using clock = await SkewedClock.create();
    await using server = await RedisServer.start({ env: clock.env });
    const client = server.client();
    const aheadMs = async () => {
      const [seconds = 0, us = 0] = (await client.time()).map(Number);
      return seconds * 1_000 + us / 1_000 - Date.now();
    };
    expect(Math.abs(await aheadMs())).toBeLessThan(5_000);
    clock.shift(3_600_000);
    expect(Math.abs((await aheadMs()) - 3_600_000)).toBeLessThan(5_000);
    clock.shift(-3_600_000);
    expect(Math.abs((await aheadMs()) + 3_600_000)).toBeLessThan(5_000);
    clock.shift(0);
    expect(Math.abs(await aheadMs())).toBeLessThan(5_000);
  });

  it("makes keys expire early, or late, as a real jump would", async () => {
    await using clock = await SkewedClock.create();
    await using server = await RedisServer.start({ env: clock.env });
    const client = server.client();
    await client.set("key", "value", "PX", 60_000);
    clock.shift(-3_600_000);
    expect(await client.pttl("key")).toBeGreaterThan(3_000_000);
    clock.shift(61_000);
    expect(await client.get("key")).toBeNull();
  });
});
