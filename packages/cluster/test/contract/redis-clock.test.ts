/** The deadline of a join, and what becomes of it when the server's clock is misjudged. */
import { systemClock, systemRandomness } from "@skein/core";
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandFailure, Link } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { ScriptRunner } from "../../src/redis/script-runner.ts";
import { joins, keys, newFlight, renews } from "./contract-fleet.ts";

const PATIENCE_MS = 20_000;
const HOUR_US = 3_600_000_000;

let server: RedisServer;
let control: Redis;
const links: Link[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  control = server.client();
});
afterAll(async () => {
  await Promise.all(links.map((link) => link.close()));
  await server.stop();
});

async function connect(processId: string, source: string = server.url): Promise<RedisCoordinator> {
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
  return new RedisCoordinator({
    link,
    runner: new ScriptRunner(link),
    clock: systemClock,
    processId,
    inboxPrefix: keys.inboxPrefix,
    transport: "p",
    redisTimeoutMs: PATIENCE_MS,
  });
}

/** The server's clock in us, and when it said so on ours. */
async function serverTime(): Promise<{ us: number; sentAt: number }> {
  const sentAt = systemClock.now();
  const [seconds, micros] = await control.time();
  return { us: Number(seconds) * 1_000_000 + Number(micros), sentAt };
}

test("a join that only seems late is tried once more, and the clock is known afterwards", async () => {
  const coordinator = await connect("early");
  // The server's clock has jumped ahead by an hour since it was last heard of.
  const { us } = await serverTime();
  coordinator.serverClock.learn(us - HOUR_US, systemClock.now());
  const flight = newFlight();
  expect(await coordinator.join(joins(flight, "a"))).toMatchObject({ status: "lead" });
  const now = await serverTime();
  expect(Math.abs((coordinator.serverClock.at(now.sentAt) ?? 0) - now.us)).toBeLessThan(PATIENCE_MS * 1_000);
});

test("the first join of a process has no deadline at the server, whose clock it does not know", async () => {
  const coordinator = await connect("first");
  expect(coordinator.serverClock.at(systemClock.now())).toBeUndefined();
  expect(await coordinator.join(joins(newFlight(), "a"))).toMatchObject({ status: "lead" });
  expect(coordinator.serverClock.at(systemClock.now())).toBeDefined();
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
  const coordinator = await connect("narrow", `redis://narrow:secret@127.0.0.1:${server.port}`);
  const election = await coordinator.join(joins(mine, "a"));
  if (election.status !== "lead") throw new Error(`not the leader: ${election.status}`);
  const { token } = election;
  const replies = await coordinator.renew([renews(forbidden, token), renews(mine, token)].flat());
  expect(replies[0]).toBeInstanceOf(CommandFailure);
  expect(replies[0]).toHaveProperty("message", expect.not.stringContaining(forbidden.id));
  expect(replies[1]).toEqual({ status: "held", followers: 0 });
});
