/** Users that may do less. The scripts touch nothing but the two keys they declare. */
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keys, RawScripts, type RawReply } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;
/** What the test looks at things with. */
let admin: RawScripts;
let count = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
beforeEach(() => {
  admin = new RawScripts(redis, `permissions ${++count}`);
});
afterAll(() => server.stop());

/** The same flight as a user with these rights. */
async function as(...rights: readonly string[]): Promise<RawScripts> {
  const name = `user${count}`;
  await redis.acl("SETUSER", name, "reset", "on", ">secret", ...rights);
  const client = server.client({ username: name, password: "secret" });
  const scripts = new RawScripts(client, "unused");
  return Object.assign(scripts, { flight: admin.flight });
}

function itsKeys(): readonly string[] {
  return [`~${admin.flight.leaseKey}`, `~${admin.flight.flightKey}`];
}

describe("a user that may use only the two keys of a flight", () => {
  const lives: Record<string, (flight: RawScripts) => Promise<readonly RawReply[]>> = {
    "lead, follow, renew, settle, and settle again": async (flight) => {
      const token = await flight.lead("p1", "n1");
      return [
        await flight.join("p2", "n2"),
        await flight.renew(token),
        await flight.settle("p1", "n1", token),
        await flight.settle("p1", "n1", ""),
        await flight.join("p2", "n2", { firstGrant: 1 }),
        await flight.join("p3", "n3"),
      ];
    },
    "die, be succeeded, be fenced, depose, abandon, probe": async (flight) => {
      const token = await flight.lead("p1", "n1", { maxTakeovers: 0 });
      await admin.lapse();
      const abandoned = await flight.join("p2", "n2", { maxTakeovers: 0 });
      await redis.hset(admin.flight.flightKey, "abandonedUntil", "1");
      const probe = await flight.lead("p2", "n2", { maxTakeovers: 0 });
      const inbox = { deposeToken: probe, deposeBeat: "0", deposeInbox: `${keys.inboxPrefix}p2` };
      return [
        abandoned,
        await flight.join("p3", "n3", inbox),
        await flight.renew(token),
        await flight.settle("p1", "n1", token),
      ];
    },
    "be unwanted, leave, resign, forget": async (flight) => {
      const token = await flight.lead("p1", "n1");
      await flight.join("p2", "n2");
      return [
        await flight.resign("p1", "n1", token, { ifUnwanted: 1 }),
        await flight.leave("p2", "n2"),
        await flight.resign("p1", "n1", token),
        await flight.resign("p1", "n1", token),
        await flight.join("p1", "n2"),
        await flight.forget(),
      ];
    },
  };

  test.each(Object.keys(lives))("can %s", async (life) => {
    const flight = await as(...itsKeys(), "&*", "+@all");
    for (const [status] of await lives[life]!(flight)) expect(status).toMatch(/^[A-Z]+$/);
  });
});

test.each([
  ["the command PUBLISH", ["&*", "+@all", "-publish"]],
  ["the channels", ["+@all", "resetchannels"]],
])("without %s an outcome is accepted and retained all the same", async (_what, rights) => {
  const flight = await as(...itsKeys(), ...rights);
  const token = await flight.lead("p1", "n1");
  await flight.join("p2", "n2");
  expect((await flight.settle("p1", "n1", token)).toSpliced(1, 1)).toEqual(["ACCEPTED", 1, 0]);
  expect((await flight.join("p2", "n2", { firstGrant: 1 }))[0]).toBe("SETTLED");
  const later = await flight.lead("p1", "n2");
  await flight.join("p2", "n2");
  expect((await flight.resign("p1", "n2", later, { ifUnwanted: 1 }))[0]).toBe("WANTED");
  expect((await flight.leave("p2", "n2"))[0]).toBe("LEFT");
  await flight.join("p2", "n3");
  expect((await flight.resign("p1", "n2", later))[0]).toBe("RESIGNED");
  await flight.lead("p1", "n3");
  expect((await flight.forget())[2]).toBe(1);
});

test("without PUBSUB an empty inbox is no evidence, and the join goes on", async () => {
  const flight = await as(...itsKeys(), "&*", "+@all", "-pubsub");
  const token = await flight.lead("p1", "n1");
  const inbox = { deposeToken: token, deposeBeat: "0", deposeInbox: `${keys.inboxPrefix}p1` };
  expect((await flight.join("p2", "n2", inbox))[0]).toBe("FOLLOW");
});

const REFUSAL = /NOPERM|can't run this command/;

test.each(["get", "hmget", "hset", "time", "evalsha|eval"])(
  "without %s a join is refused, and a live flight stays as it was",
  async (commands) => {
    const token = await admin.lead("p1", "n1");
    const before = await admin.hash();
    const flight = await as(
      ...itsKeys(),
      "&*",
      "+@all",
      ...commands.split("|").map((command) => `-${command}`),
    );
    await expect(flight.join("p2", "n2")).rejects.toThrow(REFUSAL);
    await expect(flight.join("p2", "n2", { deposeToken: token, deposeBeat: "7" })).rejects.toThrow(REFUSAL);
    expect(await admin.hash()).toEqual(before);
    expect(await admin.lease()).toBe(token);
  },
);

test.each(["set", "hset", "hdel"])(
  "without %s a join is refused, and leaves nothing that has no end",
  async (command) => {
    const flight = await as(...itsKeys(), "&*", "+@all", `-${command}`);
    await expect(flight.join("p1", "n1")).rejects.toThrow(REFUSAL);
    expect(await admin.leaseTtlMs()).not.toBe(-1);
    expect(await admin.flightTtlMs()).not.toBe(-1);
  },
);
