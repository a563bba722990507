/** What observers, the diagnostics channel and the logger are told, and what they are never told. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { RedisServer, waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { FLIGHT_CHANNEL } from "@skein/core";
import { HeldWork } from "./fleet-of-instances.ts";

const CANARIES = { key: "canarykey", value: "canaryvalue", error: "canaryerror", password: "canarypassword" };

/** Lives through most of what can happen to a flight, and returns everything that was said of it. */
async function eventfulLife(exposeKeys: boolean): Promise<{ said: string; events: ClusterEvent[] }> {
  const redis = await RedisServer.start({ password: CANARIES.password });
  const events: ClusterEvent[] = [];
  const said: unknown[] = [];
  const note = (fields: object, message: string): void => void said.push(fields, message);
  const onChannel = (event: unknown): void => void said.push(event);
  subscribe(FLIGHT_CHANNEL, onChannel);
  const instance = (): ClusterSingleflight =>
    new ClusterSingleflight({
      redis: redis.url,
      namespace: "canary",
      prefixes: { "k:": { retainMs: 1_000, leaseMs: 500, renewEveryMs: 50 } },
      exposeKeys,
      maxEntries: 1,
      observer: [
        { onEvent: (event) => void events.push(event) },
        {
          onEvent: () => {
            throw new Error("a bad observer");
          },
        },
      ],
      logger: { debug: note, info: note, warn: note, error: note },
    });
  const flights = [instance(), instance()] as const;
  await Promise.all(flights.map((one) => one.ready()));
  const key = `k:${CANARIES.key}`;
  const work = new HeldWork<string>();
  const led = flights[0].do(key, work.run);
  await work.begun;
  const followed = flights[1].do(key, work.run);
  await waitUntil(() => events.some(({ type }) => type === "follow"), { what: "a follower" });
  work.end(CANARIES.value);
  await Promise.all([led, followed]);
  const failure = flights[0].do(`${key}:fails`, () => Promise.reject(new Error(CANARIES.error)));
  said.push(
    await failure.then(
      () => "",
      (error: unknown) => error instanceof Error && error.name,
    ),
  );
  // Evicts the one before it, and is forgotten itself.
  const held = new HeldWork<string>();
  const evicted = flights[0].do(`${key}:1`, held.run);
  await held.begun;
  const second = flights[0].do(`${key}:2`, () => CANARIES.value);
  await flights[1].forget(`${key}:1`);
  held.end(CANARIES.value);
  await Promise.all([evicted, second]);
  for (const bad of [flights[0].do("", held.run), flights[0].do(`${key}${"x".repeat(2_000)}`, held.run)]) {
    said.push(await bad.catch((error: unknown) => inspect(error)));
  }
  await redis.kill();
  said.push(await flights[0].fly(`${key}:3`, () => "").then(({ fallbackReason }) => fallbackReason));
  await Promise.all(flights.map((one) => one.close({ drainMs: 0 })));
  await redis.stop();
  unsubscribe(FLIGHT_CHANNEL, onChannel);
  return {
    said: inspect([said, events], { depth: null, maxArrayLength: null, maxStringLength: null }),
    events,
  };
}

describe("whoever listens", () => {
  it("is told of everything that happens, and of no key, value, error text or password", async () => {
    const { said, events } = await eventfulLife(false);
    const types = new Set(events.map(({ type }) => type));
    for (const type of [
      "lead",
      "follow",
      "execution-started",
      "settle-accepted",
      "woken",
      "call-ended",
      "flight-evicted",
      "resign",
      "link",
      "fallback",
    ]) {
      expect(types).toContain(type);
    }
    for (const canary of Object.values(CANARIES)) {
      expect(said).not.toContain(canary);
    }
  });

  it("is told keys when the application asks for them, and still nothing else", async () => {
    const { said } = await eventfulLife(true);
    expect(said).toContain(CANARIES.key);
    for (const canary of [CANARIES.value, CANARIES.error, CANARIES.password]) {
      expect(said).not.toContain(canary);
    }
  });
});

describe("a logger", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("a bad logger");
      },
    ],
    ["is asynchronous and rejects", () => Promise.reject(new Error("a bad logger"))],
  ])("that %s disturbs neither a call nor the process", async (_how, write) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    let lines = 0;
    const line = (): unknown => {
      lines++;
      return write();
    };
    await using flights = new ClusterSingleflight({
      redis: "redis://127.0.0.1:1",
      redisTimeoutMs: 50,
      prefixes: ["k:"],
      logger: { debug: line, info: line, warn: line, error: line },
    });
    expect(await flights.do("k:1", () => "v")).toBe("v");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(lines).toBeGreaterThan(0);
    expect(unhandled).toEqual([]);
  });
});
