/** A user that may not do all that a flight takes: nothing is begun that could not be ended, and what is missing is named. */
import { inspect } from "node:util";
import { RedisServer, waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

const PASSWORD = "canary-password";
let server: RedisServer;
let admin: Redis;
const open: ClusterSingleflight[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  admin = server.client();
});
afterEach(async () => {
  for (const flights of open.splice(0)) await flights.close({ drainMs: 0 });
  await admin.flushall();
});
afterAll(() => server.stop());

function allow(...rules: readonly string[]): Promise<unknown> {
  return admin.call(
    "ACL",
    "SETUSER",
    "app",
    "reset",
    "on",
    `>${PASSWORD}`,
    "~skein1:*",
    "&skein1:*",
    "+@all",
    ...rules,
  );
}

interface Told {
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
}

function connect(password: string = PASSWORD): {
  flights: ClusterSingleflight;
  told: Told[];
  logged: string[];
} {
  const told: Told[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string): void =>
    void logged.push(inspect({ fields, message }, { depth: 9 }));
  const flights = new ClusterSingleflight({
    redis: { host: server.host, port: server.port, username: "app", password },
    prefixes: ["k:"],
    redisTimeoutMs: 10_000,
    observer: {
      onEvent: (event: ClusterEvent) => {
        if (event.type === "capabilities") told.push({ missing: event.missing, warnings: event.warnings });
      },
    },
    logger: { debug: log, info: log, warn: log, error: log },
  });
  open.push(flights);
  return { flights, told, logged };
}

describe("without a right that settling takes, and joining does not", () => {
  it.each(["del", "hkeys", "hget", "publish"])(
    "(%s) calls run in their process at once, and nobody waits for a lease",
    async (right) => {
      await allow(`-${right}`);
      const { flights, told } = connect();
      await flights.ready();
      expect(await flights.fly("k:1", () => "own")).toMatchObject({
        value: "own",
        role: "local",
        fallbackReason: "refused",
      });
      expect(told).toHaveLength(1);
      expect(told[0]?.missing.join()).toContain(`+${right}`);
      expect(await admin.dbsize()).toBe(0);
    },
  );

  it("calls are coordinated again when it is granted, and that is told", async () => {
    await allow("-del");
    const { flights, told } = connect();
    await flights.ready();
    expect((await flights.fly("k:1", () => 1)).role).toBe("local");
    await allow();
    await waitUntil(async () => (await flights.fly("k:1", () => 1)).role === "leader", {
      what: "a coordinated call",
      timeoutMs: 20_000,
    });
    expect(told.at(-1)).toEqual({ missing: [], warnings: [] });
  });
});

it("without PUBSUB NUMSUB calls are coordinated all the same", async () => {
  await allow("-pubsub|numsub");
  const { flights, told } = connect();
  await flights.ready();
  expect((await flights.fly("k:1", () => 1)).role).toBe("leader");
  expect(told[0]?.missing.join()).toContain("+pubsub|numsub");
});

describe("a server that does not let the process in", () => {
  it("is named once, without the credentials; when it does, calls are coordinated, and that is told", async () => {
    await allow();
    const { flights, told, logged } = connect("canary-wrong");
    expect((await flights.fly("k:1", () => 1, { timeoutMs: 30_000 })).role).toBe("local");
    await waitUntil(() => told.length > 0, { what: "the reason" });
    expect(told).toEqual([{ missing: ["admission to the server, which says WRONGPASS"], warnings: [] }]);
    expect(logged.join()).toContain("WRONGPASS");
    expect(logged.join()).not.toContain("canary");
    await admin.call("ACL", "SETUSER", "app", ">canary-wrong");
    await waitUntil(() => told.length > 1, { what: "the end of it", timeoutMs: 20_000 });
    expect(told).toHaveLength(2);
    expect(told[1]).toEqual({ missing: [], warnings: [] });
    await waitUntil(async () => (await flights.fly("k:1", () => 1)).role === "leader", {
      what: "a coordinated call",
      timeoutMs: 20_000,
    });
  });
});
