import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RawScripts } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
let flight: RawScripts;
let count = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
beforeEach(async () => {
  await redis.script("FLUSH");
  flight = new RawScripts(redis, `leave ${++count}`);
});
afterAll(() => server.stop());

describe("leave", () => {
  test("LEFT: removes this registration and no other", async () => {
    await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.join("p2", "n3");
    await flight.join("p22", "n2");
    expect((await flight.leave("p2", "n2")).toSpliced(1, 1)).toEqual(["LEFT"]);
    const fields = Object.keys(await flight.hash()).filter((field) => field.startsWith("f:"));
    expect(fields.toSorted()).toEqual(["f:p22:n2", "f:p2:n3"]);
  });

  test("LEFT: twice is as good as once, and a leader that leaves as a follower keeps its lease", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.leave("p2", "n2");
    expect((await flight.leave("p2", "n2"))[0]).toBe("LEFT");
    expect((await flight.leave("p1", "n1"))[0]).toBe("LEFT");
    expect(await flight.lease()).toBe(token);
  });

  test("LEFT: of a flight that nobody knows; nothing is created", async () => {
    expect((await flight.leave("p2", "n2"))[0]).toBe("LEFT");
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });
});
