/** The deadline of a join, and what becomes of it when the server's clock is misjudged. */
import { systemClock, systemRandomness } from "@skein/core";
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandFailure, Link } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { Server } from "../../src/redis/server.ts";
import { OneServer } from "../../src/redis/servers.ts";
import type { ServerClock } from "../../src/redis/server-clock.ts";
import { joins, keys, newFlight, renews } from "./contract-fleet.ts";

const PATIENCE_MS = 20_000;
const HOUR_US = 3_600_000_000;

let redis: RedisServer;
let control: Redis;
const links: Link[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  control = redis.client();
});
afterAll(async () => {
  await Promise.all(links.map((link) => link.close()));
  await redis.stop();
});

async function connect(
  processId: string,
  source: string = redis.url,
): Promise<{ coordinator: RedisCoordinator; serverClock: ServerClock }> {
  const link = new Link(
    {
      source,
      redisTimeoutMs: PATIENCE_MS,
      heartbeatEveryMs: PATIENCE_MS,
      silenceLimitMs: 4 * PATIENCE_MS,
      clock: systemClock,
      randomness: systemRandomness,
    },
    "commands",
  );
  links.push(link);
  expect(await link.whenUp(systemClock.now() + PATIENCE_MS)).toBe(true);
  const server = new Server(link);
  const coordinator = new RedisCoordinator({
    servers: new OneServer(server),
    clock: systemClock,
    processId,
    inboxPrefix: keys.inboxPrefix,
    transport: "p",
    redisTimeoutMs: PATIENCE_MS,
  });
  return { coordinator, serverClock: server.clock };
}

/** The server's clock in us, and when it said so on ours. */
async function serverTime(): Promise<{ us: number; sentAt: number }> {
  const sentAt = systemClock.now();
  const [seconds, micros] = await control.time();
  return { us: Number(seconds) * 1_000_000 + Number(micros), sentAt };
}

test("a join that only seems late is tried once more, and the clock is known afterwards", async () => {
  const { coordinator, serverClock } = await connect("early");
  // The server's clock has jumped ahead by an hour since it was last heard of.
  const { us } = await serverTime();
  serverClock.learn(us - HOUR_US, systemClock.now());
  const flight = newFlight();
  expect(await coordinator.join(joins(flight, "a"))).toMatchObject({ status: "lead" });
  const now = await serverTime();
  expect(Math.abs((serverClock.at(now.sentAt) ?? 0) - now.us)).toBeLessThan(PATIENCE_MS * 1_000);
});

test("the first join of a process has no deadline at the server, whose clock it does not know", async () => {
  const { coordinator, serverClock } = await connect("first");
  expect(serverClock.at(systemClock.now())).toBeUndefined();
  expect(await coordinator.join(joins(newFlight(), "a"))).toMatchObject({ status: "lead" });
  expect(serverClock.at(systemClock.now())).toBeDefined();
});

test("a renewal that cannot be made is an error of its own; the others of the batch are made", async () => {
  const [mine, forbidden] = [newFlight(), newFlight()];
  await control.acl(
    "SETUSER",
    "narrow",
    "on",
    ">secret",
    `~${mine.leaseKey}`,
    `~${mine.flightKey}`,
    "&*",
    "+@all",
  );
  const { coordinator } = await connect("narrow", `redis://narrow:secret@127.0.0.1:${redis.port}`);
  const election = await coordinator.join(joins(mine, "a"));
  if (election.status !== "lead") throw new Error(`not the leader: ${election.status}`);
  const { token } = election;
  const replies = await coordinator.renew([renews(forbidden, token), renews(mine, token)].flat());
  expect(replies[0]).toBeInstanceOf(CommandFailure);
  expect(replies[0]).toHaveProperty("message", expect.not.stringContaining(forbidden.id));
  expect(replies[1]).toEqual({ status: "held", followers: 0 });
});
