/** maxmemory is reached and nothing may be evicted. */
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { grantOf } from "../../src/fencing-token.ts";
import { keys, RawScripts } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
let flight: RawScripts;
let count = 0;

beforeAll(async () => {
  server = await RedisServer.start({ args: ["--maxmemory-policy", "noeviction"] });
  redis = server.client();
});
beforeEach(() => {
  flight = new RawScripts(redis, `full ${++count}`);
});
afterEach(() => redis.config("SET", "maxmemory", "0"));
afterAll(() => server.stop());

async function fill(): Promise<void> {
  await redis.config("SET", "maxmemory", "1");
  await expect(redis.set("anything", "1")).rejects.toThrow(/OOM/);
}

test("a join that would lead or follow is refused, and leaves nothing half-written", async () => {
  await fill();
  await expect(flight.join("p1", "n1")).rejects.toThrow(/OOM/);
  expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  await redis.config("SET", "maxmemory", "0");
  const token = await flight.lead("p1", "n1");
  const before = await flight.hash();
  await fill();
  await expect(flight.join("p2", "n2")).rejects.toThrow(/OOM/);
  expect(await flight.hash()).toEqual(before);
  expect(await flight.lease()).toBe(token);
});

test("a join that finds a dead leader, or a flight to abandon or to probe, is refused and counts nothing", async () => {
  await flight.lead("p1", "n1");
  await flight.lapse();
  const lapsed = await flight.hash();
  await fill();
  await expect(flight.join("p2", "n2", { firstGrant: 1 })).rejects.toThrow(/OOM/);
  await expect(flight.join("p2", "n2", { firstGrant: 1, takesOver: 0 })).rejects.toThrow(/OOM/);
  await expect(flight.join("p2", "n2", { maxTakeovers: 0 })).rejects.toThrow(/OOM/);
  expect(await flight.hash()).toEqual(lapsed);
  await redis.config("SET", "maxmemory", "0");
  await flight.join("p2", "n2", { maxTakeovers: 0 });
  await redis.hset(flight.flight.flightKey, "abandonedUntil", "1");
  const due = await flight.hash();
  await fill();
  await expect(flight.join("p2", "n2", { maxTakeovers: 0 })).rejects.toThrow(/OOM/);
  expect(await flight.hash()).toEqual(due);
  expect(await flight.lease()).toBeNull();
});

test("a leader renews its lease, beats, and keeps its flight", async () => {
  const token = await flight.lead("p1", "n1");
  await flight.join("p2", "n2");
  await fill();
  expect((await flight.renew(token)).toSpliced(1, 1)).toEqual(["HELD", 1]);
  expect(await flight.hash()).toMatchObject({ beat: "1" });
});

test("finished work is delivered", async () => {
  const subscriber = server.client();
  const received: string[] = [];
  subscriber.on("message", (_channel: string, message: string) => received.push(message));
  await subscriber.subscribe(`${keys.inboxPrefix}p2`);
  const token = await flight.lead("p1", "n1");
  await flight.join("p2", "n2");
  await fill();
  expect((await flight.settle("p1", "n1", token)).toSpliced(1, 1)).toEqual(["ACCEPTED", 1, 0]);
  // A reply on the same connection comes after the message.
  await subscriber.ping();
  expect(received).toEqual([`1 settled ${flight.flight.id} ${token}\noutcome`]);
  const [status, , , outcome] = await flight.join("p3", "n3", { firstGrant: grantOf(token) });
  expect([status, outcome]).toEqual(["SETTLED", "outcome"]);
  subscriber.disconnect();
});

test("a late outcome withdraws its leader's death", async () => {
  const token = await flight.lead("p1", "n1");
  await flight.lapse();
  await flight.lead("p2", "n2");
  await fill();
  expect((await flight.settle("p1", "n1", token))[0]).toBe("FENCED");
  expect(await flight.hash()).toMatchObject({ takeovers: "0" });
});

test.each([0, 1])("a leader resigns, counting as a takeover or not: %d", async (countsAsTakeover) => {
  const token = await flight.lead("p1", "n1");
  await flight.join("p2", "n2");
  await fill();
  expect((await flight.resign("p1", "n1", token, { ifUnwanted: 1 })).toSpliced(1, 1)).toEqual(["WANTED", 1]);
  expect((await flight.resign("p1", "n1", token, { countsAsTakeover }))[0]).toBe("RESIGNED");
  expect(await flight.lease()).toBeNull();
});

test("a follower leaves, and a flight is forgotten", async () => {
  await flight.lead("p1", "n1");
  await flight.join("p2", "n2");
  await fill();
  expect((await flight.leave("p2", "n2"))[0]).toBe("LEFT");
  expect((await flight.forget())[2]).toBe(1);
});
