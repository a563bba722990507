import { waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { beforeEachOwnFlight } from "./own-flight.ts";
import { FLIGHT_TTL_MS, LEASE_MS, type RawScripts } from "./raw-scripts.ts";

let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("renew", (own) => {
  flight = own;
  redis = own.redis;
});

describe("renew", () => {
  test("HELD: lease and flight get their time back, and the beat moves", async () => {
    const token = await flight.lead("p1", "n1");
    await redis.pexpire(flight.flight.leaseKey, 1_000);
    await redis.pexpire(flight.flight.flightKey, 1_000);
    expect((await flight.renew(token)).toSpliced(1, 1)).toEqual(["HELD", 0]);
    expect(await flight.leaseTtlMs()).toBeGreaterThan(LEASE_MS / 2);
    expect(await flight.flightTtlMs()).toBeGreaterThan(FLIGHT_TTL_MS / 2);
    expect(await flight.hash()).toMatchObject({ token, beat: "1" });
    await flight.renew(token);
    expect(await flight.hash()).toMatchObject({ beat: "2" });
  });

  test("HELD: never shortens the flight", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.renew(token, { flightTtlMs: 1_000 });
    expect(await flight.flightTtlMs()).toBeGreaterThan(FLIGHT_TTL_MS / 2);
  });

  test("HELD: counts registrations that have not expired", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.join("p3", "n3", { registrationMs: 20 });
    await flight.join("p4", "n4");
    await waitUntil(async () => (await flight.renew(token))[2] === 2, { what: "the end of a registration" });
  });

  test("HELD: a lapsed lease is created again with its time, also when the server is full", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    await redis.config("SET", "maxmemory", "1");
    expect((await flight.renew(token)).toSpliced(1, 1)).toEqual(["HELD", 0]);
    await redis.config("SET", "maxmemory", "0");
    expect(await flight.lease()).toBe(token);
    expect(await flight.leaseTtlMs()).toBeGreaterThan(LEASE_MS / 2);
  });

  test("HELD: takes the presumption of its death back", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    await flight.join("p2", "n2", { firstGrant: 1, takesOver: 0 });
    expect(await flight.hash()).toMatchObject({ takeovers: "1" });
    await flight.renew(token);
    expect(await flight.hash()).toMatchObject({ takeovers: "0" });
    expect(await flight.hash()).not.toHaveProperty(`d:${token}`);
  });

  test("FENCED: after a successor was elected; its lease keeps its own time", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    const successor = await flight.lead("p2", "n2");
    await redis.pexpire(flight.flight.leaseKey, 1_000);
    expect((await flight.renew(token)).toSpliced(1, 1)).toEqual(["FENCED"]);
    expect(await flight.lease()).toBe(successor);
    expect(await flight.leaseTtlMs()).toBeLessThanOrEqual(1_000);
    expect(await flight.hash()).toMatchObject({ beat: "0", token: successor });
  });

  test("FENCED: for a flight that nobody knows, and nothing is created", async () => {
    expect((await flight.renew("1700000000000001-p1-n1")).toSpliced(1, 1)).toEqual(["FENCED"]);
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });

  test("FORGOTTEN: until another flight is forgotten", async () => {
    const first = await flight.lead("p1", "n1");
    await flight.forget();
    expect((await flight.renew(first)).toSpliced(1, 1)).toEqual(["FORGOTTEN"]);
    const second = await flight.lead("p2", "n2");
    expect((await flight.renew(first))[0]).toBe("FORGOTTEN");
    await flight.forget();
    expect((await flight.renew(first))[0]).toBe("FENCED");
    expect((await flight.renew(second))[0]).toBe("FORGOTTEN");
  });
});
