/** Somebody else's data under our names, and our own garbled. */
import { RedisServer } from "@skein/testkit";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ABANDON_MS, FLIGHT_TTL_MS, LEASE_MS, RawScripts, type RawReply } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
let flight: RawScripts;
let count = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
beforeEach(() => {
  flight = new RawScripts(redis, `foreign ${++count}`);
});
afterAll(() => server.stop());

const TOKEN = "1700000000000001-p1-n1";

/** Every operation, as a leader or a follower would call it. */
const operations: Record<string, () => Promise<RawReply>> = {
  join: () => flight.join("p1", "n1"),
  renew: () => flight.renew(TOKEN),
  settle: () => flight.settle("p1", "n1", TOKEN),
  "settle by nonce": () => flight.settle("p1", "n1", ""),
  resign: () => flight.resign("p1", "n1", TOKEN),
  "resign by nonce": () => flight.resign("p1", "n1", ""),
  "resign if unwanted": () => flight.resign("p1", "n1", TOKEN, { ifUnwanted: 1 }),
  leave: () => flight.leave("p1", "n1"),
  forget: () => flight.forget(),
};

const intruders: Record<string, (key: string) => Promise<unknown>> = {
  "a string": (key) => redis.set(key, "theirs"),
  "an empty string": (key) => redis.set(key, ""),
  "a number": (key) => redis.set(key, "42"),
  "a list": (key) => redis.rpush(key, "theirs"),
  "a set": (key) => redis.sadd(key, "theirs"),
  "a sorted set": (key) => redis.zadd(key, 1, "theirs"),
  "a stream": (key) => redis.xadd(key, "*", "theirs", "1"),
  "a hash": (key) => redis.hset(key, "theirs", "1"),
};

describe.each(Object.keys(intruders))("%s in the way", (intruder) => {
  test.each(Object.keys(operations))("does not keep %s from answering", async (operation) => {
    await intruders[intruder]!(flight.flight.leaseKey);
    await intruders[intruder]!(flight.flight.flightKey);
    expect(await operations[operation]!()).toBeDefined();
  });

  test("does not keep a flight from going through its life", async () => {
    await intruders[intruder]!(flight.flight.leaseKey);
    await intruders[intruder]!(flight.flight.flightKey);
    const token = await flight.lead("p1", "n1");
    expect((await flight.join("p2", "n2"))[0]).toBe("FOLLOW");
    expect((await flight.renew(token))[0]).toBe("HELD");
    expect((await flight.settle("p1", "n1", token)).toSpliced(1, 1)).toEqual(["ACCEPTED", 1, 0]);
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });
});

test.each(["theirs", "-p1-n1", "1-p1", "1-p1-n1-x", "x-p1-n1", "1-P1-n1", "1-p1-n1\n"])(
  "a lease that says %j names nobody and is replaced",
  async (text) => {
    await redis.set(flight.flight.leaseKey, text);
    expect((await flight.join("p1", "n1"))[0]).toBe("LEAD");
  },
);

describe("a garbled flight", () => {
  const fields = ["token", "grant", "takeovers", "beat", "transport", "settled", "outcome", "settledAt"];
  const more = [
    "newcomers",
    "abandonedUntil",
    "unwanted",
    "forgotten",
    "f:p2:n2",
    "f:p2",
    "f:",
    "d:",
    "d:x",
    "f:p2:n3",
  ];
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom(
      "",
      "0",
      "-1",
      "1",
      "1.5",
      "nan",
      "inf",
      "-inf",
      "1e308",
      "9007199254740993",
      "p 1 1",
      "p x 1",
      "- -",
    ),
    fc.constantFrom(TOKEN, "1700000000000002-p2-n2", "all", "none", "fresh"),
  );
  const garbled = fc.dictionary(fc.constantFrom(...fields, ...more), text, { minKeys: 1, maxKeys: 18 });

  test("never keeps an operation from answering, and an operation never leaves a key without an end", async () => {
    await fc.assert(
      fc.asyncProperty(
        garbled,
        fc.option(fc.constantFrom(TOKEN, "1700000000000002-p2-n2", "theirs"), { nil: undefined }),
        fc.constantFrom(...Object.keys(operations)),
        async (hash, lease, operation) => {
          const { leaseKey, flightKey } = flight.flight;
          await redis.del(leaseKey, flightKey);
          await redis.hset(flightKey, hash);
          await redis.pexpire(flightKey, 60_000);
          if (lease !== undefined) await redis.set(leaseKey, lease, "PX", 60_000);
          await operations[operation]!();
          for (const key of [leaseKey, flightKey]) expect(await redis.pttl(key)).not.toBe(-1);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("is led again within a lease, whatever it says", async () => {
    await fc.assert(
      fc.asyncProperty(garbled, async (hash) => {
        const { leaseKey, flightKey } = flight.flight;
        await redis.del(leaseKey, flightKey);
        await redis.hset(flightKey, { ...hash, newcomers: "fresh" });
        await redis.pexpire(flightKey, 60_000);
        // Too many takeovers abandon a flight, whoever wrote them; not for longer than its callers say.
        const [status, , , retryAfterMs] = await flight.join("p3", "n3");
        if (status === "ABANDONED") {
          expect(retryAfterMs).toBeLessThanOrEqual(ABANDON_MS);
          await redis.del(flightKey);
        } else expect(status).toBe("LEAD");
        const [again] = await flight.join("p3", "n3");
        expect(again).toBe("LEAD");
      }),
      { numRuns: 200 },
    );
  });
});

describe("what somebody made last for ever", () => {
  const persist = (): Promise<unknown> =>
    Promise.all([redis.persist(flight.flight.leaseKey), redis.persist(flight.flight.flightKey)]);

  test("a lease and its flight end again once somebody follows", async () => {
    await flight.lead("p1", "n1");
    await persist();
    const [status, , , , remainingMs] = await flight.join("p2", "n2");
    expect(status).toBe("FOLLOW");
    expect(remainingMs).toBeLessThanOrEqual(LEASE_MS);
    expect(remainingMs).toBeGreaterThan(0);
    expect(await flight.leaseTtlMs()).toBeGreaterThan(0);
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("a retained outcome ends again once somebody is given it", async () => {
    await flight.settle("p1", "n1", await flight.lead("p1", "n1"), { newcomers: "all" });
    await persist();
    expect((await flight.join("p2", "n2"))[0]).toBe("SETTLED");
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
    expect(await flight.flightTtlMs()).toBeLessThanOrEqual(FLIGHT_TTL_MS);
  });

  test("an abandoned flight ends again once somebody is refused, and never later than its callers would wait", async () => {
    await flight.lead("p1", "n1", { maxTakeovers: 0 });
    await flight.lapse();
    await flight.join("p2", "n2", { maxTakeovers: 0 });
    await persist();
    await redis.hset(flight.flight.flightKey, "abandonedUntil", "9000000000000000");
    const [status, , , retryAfterMs] = await flight.join("p3", "n3", { maxTakeovers: 0 });
    expect(status).toBe("ABANDONED");
    expect(retryAfterMs).toBeLessThanOrEqual(ABANDON_MS);
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
    expect(await flight.flightTtlMs()).toBeLessThanOrEqual(ABANDON_MS + FLIGHT_TTL_MS);
  });
});
