import { type RedisServer, waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { grantOf, parseToken } from "../../src/fencing-token.ts";
import { beforeEachOwnFlight } from "./own-flight.ts";
import {
  ABANDON_MS,
  FLIGHT_TTL_MS,
  keys,
  LEASE_MS,
  type RawScripts,
  REGISTRATION_MS,
} from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("join", (own, itsServer) => {
  flight = own;
  redis = own.redis;
  server = itsServer;
});

async function serverUs(): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000_000 + Number(micros);
}

describe("join", () => {
  test("LEAD: takes the lease with its time, and names itself in the flight", async () => {
    const before = await serverUs();
    const [status, timeUs, token, takeovers] = await flight.join("p1", "n1");
    const after = await serverUs();
    expect([status, takeovers]).toEqual(["LEAD", 0]);
    expect(timeUs).toBeGreaterThanOrEqual(before);
    expect(timeUs).toBeLessThanOrEqual(after);
    // All its digits, not 1.79e+15.
    expect(token).toBe(`${timeUs}-p1-n1`);
    expect(await flight.lease()).toBe(token);
    expect(await flight.hash()).toEqual({
      token,
      grant: String(timeUs),
      beat: "0",
      transport: "p",
      leaseMs: String(LEASE_MS),
    });
    const [leaseMs, flightMs] = [await flight.leaseTtlMs(), await flight.flightTtlMs()];
    expect(leaseMs).toBeGreaterThan(LEASE_MS / 2);
    expect(leaseMs).toBeLessThanOrEqual(LEASE_MS);
    expect(flightMs).toBeGreaterThan(FLIGHT_TTL_MS / 2);
    expect(flightMs).toBeLessThanOrEqual(FLIGHT_TTL_MS);
  });

  test("LEAD again: writes nothing", async () => {
    const token = await flight.lead("p1", "n1");
    await redis.pexpire(flight.flight.leaseKey, 10_000);
    expect((await flight.join("p1", "n1")).toSpliced(1, 1)).toEqual(["LEAD", token, 0]);
    expect(await flight.leaseTtlMs()).toBeLessThanOrEqual(10_000);
  });

  test("LEAD again is for the whole attempt: a nonce that ends alike is another one", async () => {
    await flight.lead("p1", "xn1");
    expect((await flight.join("p1", "n1"))[0]).toBe("FOLLOW");
    expect((await flight.join("1", "xn1"))[0]).toBe("FOLLOW");
  });

  test("FOLLOW: registers with transport, grant followed and expiry", async () => {
    const token = await flight.lead("p1", "n1");
    const [status, timeUs, leader, beat, remainingMs, transport] = await flight.join("p2", "n2", {
      transport: "l",
    });
    expect([status, leader, beat, transport]).toEqual(["FOLLOW", token, "0", "p"]);
    expect(remainingMs).toBeGreaterThan(LEASE_MS / 2);
    expect(remainingMs).toBeLessThanOrEqual(LEASE_MS);
    const expiryMs = Math.floor(timeUs / 1_000) + REGISTRATION_MS;
    expect((await flight.hash())["f:p2:n2"]).toBe(`l ${grantOf(token)} ${expiryMs}`);
  });

  test("FOLLOW: extends the flight, and never shortens it", async () => {
    await flight.lead("p1", "n1");
    await redis.pexpire(flight.flight.flightKey, 1_000);
    await flight.join("p2", "n2");
    expect(await flight.flightTtlMs()).toBeGreaterThan(FLIGHT_TTL_MS / 2);
    await flight.join("p2", "n2", { flightTtlMs: 1_000 });
    expect(await flight.flightTtlMs()).toBeGreaterThan(FLIGHT_TTL_MS / 2);
  });

  test("FOLLOW: a leader whose flight was evicted has no beat, transport and lease of its own yet; the follower is kept", async () => {
    const token = await flight.lead("p1", "n1");
    await redis.del(flight.flight.flightKey);
    expect((await flight.join("p2", "n2")).toSpliced(4, 1).toSpliced(1, 1)).toEqual([
      "FOLLOW",
      token,
      "",
      "",
      0,
    ]);
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
    expect((await flight.renew(token))[2]).toBe(1);
    expect(await flight.hash()).toMatchObject({ token, grant: String(grantOf(token)), beat: "1" });
  });

  test("SETTLED: token, outcome and age, and the registration is gone", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.settle("p1", "n1", token, { maxWoken: 0 });
    expect(await flight.hash()).toHaveProperty("f:p2:n2");
    const [status, , settled, outcome, ageMs] = await flight.join("p2", "n2", { firstGrant: grantOf(token) });
    expect([status, settled, outcome]).toEqual(["SETTLED", token, "outcome"]);
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeLessThan(RETAIN_LIMIT_MS);
    expect(await flight.hash()).not.toHaveProperty("f:p2:n2");
  });

  test("SETTLED: the age at which an outcome stops being fresh", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token);
    await redis.hset(flight.flight.flightKey, "settledAt", (await serverUs()) - 30_000_000);
    expect((await flight.join("p2", "n2", { freshMs: 60_000 }))[0]).toBe("SETTLED");
    expect((await flight.join("p2", "n2", { freshMs: 30_000 }))[0]).toBe("LEAD");
  });

  test("SETTLED: not for a newcomer when nobody knows when it settled", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token);
    await redis.hdel(flight.flight.flightKey, "settledAt");
    expect((await flight.join("p2", "n2", { freshMs: 60_000 }))[0]).toBe("LEAD");
  });

  test("ABANDONED: the flight outlives abandonMs", async () => {
    await flight.lead("p1", "n1");
    await flight.lapse();
    const [status, , takeovers, retryAfterMs] = await flight.join("p2", "n2", { maxTakeovers: 0 });
    expect([status, takeovers, retryAfterMs]).toEqual(["ABANDONED", 1, ABANDON_MS]);
    expect(await flight.flightTtlMs()).toBeGreaterThan(ABANDON_MS + FLIGHT_TTL_MS / 2);
    expect(await flight.lease()).toBeNull();
  });

  test("ABANDONED: a follower is no longer registered", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.lapse();
    await flight.join("p2", "n2", { maxTakeovers: 0, firstGrant: grantOf(token) });
    expect(await flight.hash()).not.toHaveProperty("f:p2:n2");
  });

  test("a probe that is probed for ever leaves nothing that grows", async () => {
    let fieldCount = 0;
    for (let probe = 0; probe < 5; probe++) {
      await flight.lead("p1", `probe${probe}`, { maxTakeovers: 0 });
      await flight.lapse();
      expect((await flight.join("p2", "n2", { maxTakeovers: 0 }))[0]).toBe("ABANDONED");
      await redis.hset(flight.flight.flightKey, "abandonedUntil", "1");
      const fields = Object.keys(await flight.hash()).length;
      if (probe > 0) expect(fields).toBe(fieldCount);
      fieldCount = fields;
    }
  });

  test("LOST: presumes the death, elects nobody, forgets the registration", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.lapse();
    expect(
      (await flight.join("p2", "n2", { firstGrant: grantOf(token), takesOver: 0 })).toSpliced(1, 1),
    ).toEqual(["LOST"]);
    expect(await flight.lease()).toBeNull();
    expect(await flight.hash()).toMatchObject({ token, takeovers: "1", [`d:${token}`]: "1" });
    expect(await flight.hash()).not.toHaveProperty("f:p2:n2");
  });

  test("STALE: one microsecond after the deadline nothing is read or written", async () => {
    const deadlineUs = (await serverUs()) - 1;
    const [status, timeUs, ...rest] = await flight.join("p1", "n1", { deadlineUs });
    expect([status, rest]).toEqual(["STALE", []]);
    expect(timeUs).toBeGreaterThan(deadlineUs);
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
    expect((await flight.join("p1", "n1", { deadlineUs: deadlineUs + 3_600_000_000 }))[0]).toBe("LEAD");
  });

  test("a lease that ends by itself presumes a death", async () => {
    const token = await flight.lead("p1", "n1", { leaseMs: 30 });
    await waitUntil(async () => (await flight.lease()) === null, { what: "the end of the lease" });
    expect((await flight.join("p2", "n2"))[3]).toBe(1);
    expect(await flight.hash()).toMatchObject({ takeovers: "1", [`d:${token}`]: "1" });
  });

  test("an election leaves the outcome before it, registrations and the mark of a forgotten flight alone", async () => {
    const first = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", first);
    const second = await flight.lead("p2", "n2");
    expect(await flight.hash()).toMatchObject({ settled: first, outcome: "outcome", token: second });
    await flight.forget();
    await flight.lead("p3", "n3");
    expect(await flight.hash()).toMatchObject({ forgotten: second });
  });

  test("a grant beyond what a double holds is not believed", async () => {
    for (const grant of ["9007199254740993", "1e300", "inf", "nan", "-5", "0x7f", "words", ""]) {
      await redis.hset(flight.flight.flightKey, "grant", grant);
      const token = await flight.lead("p1", "n1");
      expect(parseToken(token)).toMatchObject({ process: "p1", nonce: "n1" });
      expect(grantOf(token)).toBeLessThan(Number.MAX_SAFE_INTEGER);
      await redis.del(flight.flight.leaseKey, flight.flight.flightKey);
    }
  });

  test("the last grant grows by one while the clock is behind it", async () => {
    const ahead = (await serverUs()) + 3_600_000_000;
    await redis.hset(flight.flight.flightKey, "grant", ahead);
    expect(grantOf(await flight.lead("p1", "n1"))).toBe(ahead + 1);
  });

  test("a leader that is deposed although the flight was evicted is a death all the same", async () => {
    const token = await flight.lead("p1", "n1");
    await redis.del(flight.flight.flightKey);
    const [status, , , takeovers] = await flight.join("p2", "n2", { deposeToken: token, deposeBeat: "" });
    expect([status, takeovers]).toEqual(["LEAD", 1]);
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("the inbox that must be empty is the one that is named", async () => {
    const token = await flight.lead("p1", "n1");
    const subscriber = server.client();
    await subscriber.subscribe(`${keys.inboxPrefix}p1`);
    const evidence = { deposeToken: token, deposeBeat: "0", deposeInbox: `${keys.inboxPrefix}p1` };
    expect((await flight.join("p2", "n2", evidence))[0]).toBe("FOLLOW");
    await subscriber.unsubscribe(`${keys.inboxPrefix}p1`);
    expect((await flight.join("p2", "n2", evidence))[0]).toBe("LEAD");
    subscriber.disconnect();
  });
});

/** Generous: the age is the time between two commands of this test. */
const RETAIN_LIMIT_MS = 30_000;
