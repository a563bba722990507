import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { grantOf } from "../../src/fencing-token.ts";
import { beforeEachOwnFlight } from "./own-flight.ts";
import type { RawScripts } from "./raw-scripts.ts";

let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("forget", (own) => {
  flight = own;
  redis = own.redis;
});

describe("forget", () => {
  test("FORGOTTEN 1: grant and registrations stay, and the mark for the leader", async () => {
    const dead = await flight.lead("p0", "n0");
    await flight.lapse();
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    expect(await flight.hash()).toHaveProperty(`d:${dead}`);
    const { "f:p2:n2": registration } = await flight.hash();
    expect((await flight.forget()).toSpliced(1, 1)).toEqual(["FORGOTTEN", 1]);
    expect(await flight.lease()).toBeNull();
    expect(await flight.hash()).toEqual({
      grant: String(grantOf(token)),
      forgotten: token,
      "f:p2:n2": registration,
    });
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("FORGOTTEN 1: an outcome is gone with all that belongs to it", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token);
    expect((await flight.forget())[2]).toBe(1);
    expect(await flight.hash()).toEqual({ grant: String(grantOf(token)) });
  });

  test("FORGOTTEN 1: a lease whose flight was evicted is dropped, and nothing without an end is left", async () => {
    await flight.lead("p1", "n1");
    await redis.del(flight.flight.flightKey);
    expect((await flight.forget())[2]).toBe(1);
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });

  test("FORGOTTEN 0: nothing was there; nothing is created", async () => {
    expect((await flight.forget()).toSpliced(1, 1)).toEqual(["FORGOTTEN", 0]);
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });

  test("FORGOTTEN 0: losses without a leader or an outcome are cleared without a word", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.resign("p1", "n1", token, { countsAsTakeover: 1 });
    expect((await flight.forget())[2]).toBe(0);
    expect(await flight.hash()).not.toHaveProperty("takeovers");
  });
});
