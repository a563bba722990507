import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { grantOf } from "../../src/fencing-token.ts";
import { beforeEachOwnFlight } from "./own-flight.ts";
import type { RawScripts } from "./raw-scripts.ts";

let redis: Redis;
let flight: RawScripts;

beforeEachOwnFlight("resign", (own) => {
  flight = own;
  redis = own.redis;
});

describe("resign", () => {
  test("RESIGNED: without followers nothing is left", async () => {
    const token = await flight.lead("p1", "n1");
    expect((await flight.resign("p1", "n1", token)).toSpliced(1, 1)).toEqual(["RESIGNED"]);
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });

  test("RESIGNED: with followers grant and registrations stay, for as long as before", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    const { "f:p2:n2": registration } = await flight.hash();
    await flight.resign("p1", "n1", token);
    expect(await flight.lease()).toBeNull();
    expect(await flight.hash()).toEqual({ grant: String(grantOf(token)), "f:p2:n2": registration });
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("RESIGNED: an earlier outcome stays when nobody follows, and nothing else", async () => {
    const first = await flight.lead("p1", "n1");
    await flight.settle("p1", "n1", first);
    await flight.lead("p1", "n2");
    await flight.lapse();
    const third = await flight.lead("p1", "n3");
    await flight.join("p2", "n2", { registrationMs: -1 });
    await flight.resign("p1", "n3", third);
    const kept = await flight.hash();
    expect(Object.keys(kept).toSorted()).toEqual(["grant", "newcomers", "outcome", "settled", "settledAt"]);
    expect(kept).toMatchObject({ settled: first, grant: String(grantOf(third)) });
    expect(await flight.flightTtlMs()).toBeGreaterThan(0);
  });

  test("RESIGNED: counts when it is meant to", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    await flight.resign("p1", "n1", token, { countsAsTakeover: 1 });
    expect(await flight.hash()).toMatchObject({ takeovers: "1" });
  });

  test("RESIGNED: with the lease gone, while the flight names the token; its death is taken back", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p3", "n3");
    await flight.lapse();
    await flight.join("p2", "n2", { firstGrant: 1, takesOver: 0 });
    expect(await flight.hash()).toMatchObject({ takeovers: "1" });
    expect((await flight.resign("p1", "n1", token))[0]).toBe("RESIGNED");
    expect(await flight.hash()).toMatchObject({ takeovers: "0" });
  });

  test("WANTED: marks the flight with the token and leaves everything else", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.join("p2", "n2");
    const before = await flight.hash();
    expect((await flight.resign("p1", "n1", token, { ifUnwanted: 1 })).toSpliced(1, 1)).toEqual([
      "WANTED",
      1,
    ]);
    expect(await flight.lease()).toBe(token);
    expect(await flight.hash()).toEqual({ ...before, unwanted: token });
  });

  test("FENCED: changes nothing but the presumption of its death", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.lapse();
    const successor = await flight.lead("p2", "n2");
    expect((await flight.resign("p1", "n1", token, { countsAsTakeover: 1 })).toSpliced(1, 1)).toEqual([
      "FENCED",
    ]);
    expect(await flight.lease()).toBe(successor);
    expect(await flight.hash()).toMatchObject({ token: successor, takeovers: "0" });
  });

  test("FENCED: a repeated resignation does not touch the successor", async () => {
    const token = await flight.lead("p1", "n1");
    await flight.resign("p1", "n1", token);
    const successor = await flight.lead("p2", "n2");
    expect((await flight.resign("p1", "n1", token))[0]).toBe("FENCED");
    expect(await flight.lease()).toBe(successor);
  });

  test("FENCED: for a flight that nobody knows, and nothing is created", async () => {
    expect((await flight.resign("p1", "n1", ""))[0]).toBe("FENCED");
    expect(await redis.exists(flight.flight.leaseKey, flight.flight.flightKey)).toBe(0);
  });
});
