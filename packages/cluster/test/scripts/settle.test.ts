import type { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { grantOf } from "../../src/fencing-token.ts";
import { beforeEachOwnFlight } from "./own-flight.ts";
import { keys, type RawScripts, RETAIN_MS } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("settle", (own, itsServer) => {
  flight = own;
  redis = own.redis;
  server = itsServer;
});

describe("settle", () => {
  test("ACCEPTED: the lease is gone and nothing but the outcome is kept, for retainMs", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    const [status, timeUs, woken, unwoken] = await flight.settle("p1", "n1", token);
    expect([status, woken, unwoken]).toEqual(["ACCEPTED", 1, 0]);
    expect(await flight.lease()).toBeNull();
    expect(await flight.hash()).toEqual({
      grant: String(grantOf(token)),
      settled: token,
      outcome: "outcome",
      settledAt: String(timeUs),
      newcomers: "fresh",
    });
    const ttlMs = await flight.flightTtlMs();
    expect(ttlMs).toBeGreaterThan(RETAIN_MS / 2);
    expect(ttlMs).toBeLessThanOrEqual(RETAIN_MS);
  });

  test("ACCEPTED: clears what was held against its predecessors", async () => {
    const dead = await flight.lead("p1", "n1");
    await flight.lapse();
    const token = await flight.lead("p2", "n2");
    expect(await flight.hash()).toMatchObject({ takeovers: "1", [`d:${dead}`]: "1" });
    await flight.settle("p2", "n2", token);
    const kept = Object.keys(await flight.hash()).toSorted();
    expect(kept).toEqual(["grant", "newcomers", "outcome", "settled", "settledAt"]);
  });

  test("ACCEPTED: with the lease gone, while the flight names the token", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    expect((await flight.settle("p1", "n1", token))[0]).toBe("ACCEPTED");
  });

  test("ACCEPTED: with the flight evicted, while the lease carries the token", async () => {
    const token = await flight.lead("p1", "n1");
    await redis.del(flight.flight.flightKey);
    expect((await flight.settle("p1", "n1", token))[0]).toBe("ACCEPTED");
    expect(await flight.hash()).toMatchObject({ grant: String(grantOf(token)), settled: token });
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("ACCEPTED: by the nonce of an attempt whose election its process never heard of", async () => {
    const token = await flight.lead("p1", "n1");
    expect((await flight.settle("p1", "n1", ""))[0]).toBe("ACCEPTED");
    expect(await flight.hash()).toMatchObject({ settled: token });
    expect((await flight.settle("p1", "n1", ""))[0]).toBe("ALREADY");
  });

  test("ACCEPTED: outcomes of any bytes are kept as they are", async () => {
    const outcome = Buffer.from([0, 0xff, 0x0a, 0x80, 0x31]);
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token, { outcome });
    expect(await redis.hgetBuffer(flight.flight.flightKey, "outcome")).toEqual(outcome);
  });

  test("ALREADY: changes neither the outcome nor its time", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token);
    await redis.pexpire(flight.flight.flightKey, 1_000);
    const before = await flight.hash();
    expect((await flight.settle("p1", "n1", token, { outcome: "other" })).toSpliced(1, 1)).toEqual([
      "ALREADY",
      0,
      0,
    ]);
    expect(await flight.hash()).toEqual(before);
    expect(await flight.flightTtlMs()).toBeLessThanOrEqual(1_000);
  });

  test("ALREADY: leaves a later leader alone", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", token);
    const later = await flight.lead("p2", "n2");
    await flight.join("p3", "n3");
    expect((await flight.settle("p1", "n1", token)).toSpliced(1, 1)).toEqual(["ALREADY", 0, 0]);
    expect(await flight.lease()).toBe(later);
    expect(await flight.hash()).toHaveProperty("f:p3:n3");
  });

  test("FENCED: changes nothing, but takes the presumption of its death back", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    const successor = await flight.lead("p2", "n2");
    const before = await flight.hash();
    expect((await flight.settle("p1", "n1", token)).toSpliced(1, 1)).toEqual(["FENCED"]);
    expect(await flight.lease()).toBe(successor);
    const { [`d:${token}`]: withdrawn, ...rest } = before;
    expect(withdrawn).toBe("1");
    expect(await flight.hash()).toEqual({ ...rest, takeovers: "0" });
    await flight.settle("p1", "n1", token);
    expect(await flight.hash()).toEqual({ ...rest, takeovers: "0" });
  });

  test("FENCED: by the nonce of an attempt that only followed, which no longer does", async () => {
    await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    expect((await flight.settle("p2", "n2", ""))[0]).toBe("FENCED");
    expect(await flight.hash()).not.toHaveProperty("f:p2:n2");
  });

  test("FENCED: for a flight that nobody knows, and nothing is created", async () => {
    expect((await flight.settle("p1", "n1", "1700000000000001-p1-n1"))[0]).toBe("FENCED");
    expect((await flight.settle("p1", "n1", ""))[0]).toBe("FENCED");
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });

  test("the limit per call is kept to, and the rest stay registered", async () => {
    const token = await flight.lead("p1", "n1");
    for (let follower = 0; follower < 5; follower++) await flight.join(`f${follower}`, "n");
    expect((await flight.settle("p1", "n1", token, { maxWoken: 3 })).toSpliced(1, 1)).toEqual([
      "ACCEPTED",
      3,
      2,
    ]);
    const registered = async (): Promise<number> =>
      Object.keys(await flight.hash()).filter((field) => field.startsWith("f:")).length;
    expect(await registered()).toBe(2);
    expect((await flight.settle("p1", "n1", token, { maxWoken: 3 })).toSpliced(1, 1)).toEqual([
      "ALREADY",
      2,
      0,
    ]);
    expect(await registered()).toBe(0);
  });

  test("whoever is woken by a later call gets the outcome that was accepted first", async () => {
    const subscriber = server.client();
    const received: string[] = [];
    subscriber.on("pmessage", (_pattern: string, _channel: string, message: string) =>
      received.push(message),
    );
    await subscriber.psubscribe(`${keys.inboxPrefix}*`);
    const token = await flight.lead("p1", "n1");
    for (const follower of ["f1", "f2"]) await flight.join(follower, "n");
    await flight.settle("p1", "n1", token, { maxWoken: 1, outcome: "first" });
    await flight.settle("p1", "n1", token, { maxWoken: 1, outcome: "second" });
    // A reply on the same connection comes after the messages.
    await subscriber.ping();
    expect(received).toEqual([1, 2].map(() => `1 settled ${flight.flight.id} ${token}\nfirst`));
    subscriber.disconnect();
  });

  test("more followers than a script can unpack at once are woken all the same", async () => {
    const token = await flight.lead("p1", "n1");
    const registrations = Array.from({ length: 9_000 }, (_, index) => [
      `f:p${index}:n`,
      `p ${grantOf(token)} 1`,
    ]);
    await redis.hset(flight.flight.flightKey, Object.fromEntries(registrations) as Record<string, string>);
    expect((await flight.settle("p1", "n1", token, { maxWoken: 20_000 })).toSpliced(1, 1)).toEqual([
      "ACCEPTED",
      9_000,
      0,
    ]);
    expect(Object.keys(await flight.hash())).toHaveLength(5);
  });
});
