/** What a user has to be allowed for inboxes that are lists, and what it is told when it is not. */
import { systemClock, systemRandomness } from "@skein/core";
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { flightKeys } from "../../src/flight-keys.ts";
import { ListInbox } from "../../src/inbox/list-inbox.ts";
import { probeCapabilities, type CapabilityReport } from "../../src/redis/capabilities.ts";
import { listTrials, pushTrials } from "../../src/redis/script-trials.ts";
import { closeAll, GENEROUS_MS, openLink } from "./links.ts";

const keys = flightKeys({ namespace: "shop", maxKeyBytes: 1_024, hashKeys: false });
const keySample = keys.flight("probe").flightKey;
const inboxName = `${keys.inboxPrefix}me`;
/** No channel: none is needed. */
const EVERYTHING = ["~skein1:*", "resetchannels", "+@all"];
const POPPING = `BRPOP and RPOP on keys such as ${inboxName} (ACL: +brpop +rpop ~skein1:*)`;

let server: RedisServer;
let admin: Redis;
const inboxes: ListInbox[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  admin = server.client();
});
afterEach(async () => {
  await Promise.all(inboxes.splice(0).map((inbox) => inbox.close()));
  await closeAll();
});
afterAll(() => server.stop());

/** What a user with these rights is told. */
async function reportFor(rules: readonly string[]): Promise<CapabilityReport> {
  await admin.call("ACL", "SETUSER", "app", "reset", "on", ">secret", ...rules);
  const source = { host: server.host, port: server.port, username: "app", password: "secret" };
  const inbox = new ListInbox(inboxName, {
    source,
    redisTimeoutMs: GENEROUS_MS,
    heartbeatEveryMs: 1_000,
    silenceLimitMs: GENEROUS_MS,
    clock: systemClock,
    randomness: systemRandomness,
  });
  inboxes.push(inbox);
  const report = await probeCapabilities(openLink(source), inbox.link, {
    keySample,
    inbox: inboxName,
    transport: "l",
    timeoutMs: GENEROUS_MS,
  });
  expect(await admin.dbsize()).toBe(0);
  return report;
}

test("a user with all rights on our keys, and on no channel, misses nothing", async () => {
  expect(await reportFor(EVERYTHING)).toMatchObject({ ok: true, missing: [], warnings: [] });
});

test.each([...new Set([...listTrials(""), ...pushTrials("")].map(({ right }) => right))])(
  "a user that may not use %s inside scripts is told so, by name and alone",
  async (right) => {
    const report = await reportFor([...EVERYTHING, `-${right.toLowerCase()}`]);
    expect(report.ok).toBe(false);
    expect(report.missing).toEqual([`${right} inside scripts (ACL: +${right.toLowerCase()})`]);
  },
);

test.each(["brpop", "rpop"])("a user that may not use %s is told so", async (command) => {
  const report = await reportFor([...EVERYTHING, `-${command}`]);
  expect(report).toMatchObject({ ok: false, missing: [POPPING] });
});

test("a user that may use the keys of flights, but not those of inboxes, is told which", async () => {
  const report = await reportFor(["~skein1:{*", "resetchannels", "+@all"]);
  expect(report.missing.toSorted()).toEqual([
    POPPING,
    `reading and writing keys such as ${inboxName} (ACL: ~skein1:*)`,
  ]);
});

test("a user with the rights that the report asks for, and no others, misses nothing", async () => {
  const rules = ["~skein1:*", "resetchannels", "-@all", "+eval", "+evalsha", "+del"];
  const refused = await reportFor(rules);
  expect(refused.missing).not.toEqual([]);
  const asked = refused.missing.flatMap((words) => (/\(ACL: (.+)\)/.exec(words)?.[1] ?? "").split(" "));
  expect(await reportFor([...rules, ...asked])).toMatchObject({ ok: true, missing: [] });
});

test("what a user could not remove again is not pushed", async () => {
  const report = await reportFor([...EVERYTHING, "-ltrim", "-del", "-pexpire"]);
  expect(report.missing).toHaveLength(3);
});
