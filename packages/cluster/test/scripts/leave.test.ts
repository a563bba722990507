import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { beforeEachOwnFlight } from "./own-flight.ts";
import type { RawScripts } from "./raw-scripts.ts";

let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("leave", (own) => {
  flight = own;
  redis = own.redis;
});

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
