import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { flightKeys } from "../../src/flight-keys.ts";
import { probeCapabilities, type CapabilityReport } from "../../src/redis/capabilities.ts";
import {
  channelTrials,
  listTrials,
  pushTrials,
  scriptTrials,
  writingTrials,
} from "../../src/redis/script-trials.ts";
import { closeAll, GENEROUS_MS, openLink } from "./links.ts";

const USER = "app";
const PASSWORD = "canary-password";
const keys = flightKeys({ namespace: "shop", maxKeyBytes: 1_024, hashKeys: false });
const keySample = keys.flight("probe").flightKey;
const inboxName = `${keys.inboxPrefix}me`;
const EVERYTHING = ["~skein1:*", "&skein1:*", "+@all"];

let server: RedisServer;
let admin: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  admin = server.client();
});
afterEach(async () => {
  await closeAll();
  await admin.config("SET", "maxmemory-policy", "noeviction");
  await admin.config("SET", "maxmemory", "0");
});
afterAll(() => server.stop());

/** What a user with these rights is told. */
async function reportFor(rules: readonly string[], timeoutMs = GENEROUS_MS): Promise<CapabilityReport> {
  await admin.call("ACL", "SETUSER", USER, "reset", "on", `>${PASSWORD}`, ...rules);
  const source = { host: server.host, port: server.port, username: USER, password: PASSWORD };
  const commands = openLink(source);
  const inbox = openLink(source, {
    onReady: async (redis) => {
      await redis.subscribe(inboxName);
    },
  });
  const report = await probeCapabilities(commands, inbox, {
    keySample,
    inbox: inboxName,
    transport: "p",
    timeoutMs,
  });
  expect(await admin.dbsize()).toBe(0);
  expect(JSON.stringify(report)).not.toContain("canary");
  return report;
}

test("a user with all rights on our names misses nothing and is warned of nothing", async () => {
  const report = await reportFor(EVERYTHING);
  expect(report).toMatchObject({ ok: true, missing: [], warnings: [] });
  const version = /redis_version:(\S+)/.exec(await admin.info("server"))?.[1];
  expect(report.server).toEqual({ name: "redis", version, cluster: false, replica: false });
});

test.each(
  [...scriptTrials(keySample), ...channelTrials(inboxName), ...writingTrials(keySample)].map(
    ({ right }) => right,
  ),
)("a user that may not use %s inside scripts is told so, by name and alone", async (right) => {
  const report = await reportFor([...EVERYTHING, `-${right.toLowerCase()}`]);
  expect(report.ok).toBe(false);
  expect(report.missing).toEqual([
    `${right.replace("|", " ")} inside scripts (ACL: +${right.toLowerCase()})`,
  ]);
});

test.each([
  ["EVALSHA", "-evalsha", "EVALSHA (ACL: +evalsha)"],
  ["EVAL", "-eval", "EVAL (ACL: +eval)"],
])("a user that may not use %s is told so", async (_right, rule, words) => {
  const report = await reportFor([...EVERYTHING, rule]);
  expect(report).toMatchObject({ ok: false, missing: [words] });
});

test("a user without our keys is told which", async () => {
  const report = await reportFor(["~other:*", "&skein1:*", "+@all"]);
  expect(report.missing).toEqual([`reading and writing keys such as ${keySample} (ACL: ~skein1:*)`]);
});

test("a user that may only read our keys is told so", async () => {
  const report = await reportFor(["%R~skein1:*", "&skein1:*", "+@all"]);
  expect(report.missing).toEqual([`reading and writing keys such as ${keySample} (ACL: ~skein1:*)`]);
});

test("a user without our channels learns that it can neither subscribe nor publish", async () => {
  const report = await reportFor(["~skein1:*", "&other:*", "+@all"]);
  expect(report.missing.toSorted()).toEqual([
    `PUBLISH to channels such as ${inboxName} (ACL: &skein1:*)`,
    `SUBSCRIBE to channels such as ${inboxName} (ACL: &skein1:*)`,
  ]);
});

test("a user that may not SUBSCRIBE is told so", async () => {
  const report = await reportFor([...EVERYTHING, "-subscribe"]);
  expect(report.missing).toEqual([`SUBSCRIBE to channels such as ${inboxName} (ACL: &skein1:*)`]);
});

test("a user with the rights that the report asks for, and no others, misses nothing", async () => {
  const rules = ["~skein1:*", "&skein1:*", "-@all", "+eval", "+evalsha", "+subscribe", "+del"];
  const refused = await reportFor(rules);
  expect(refused.missing).not.toEqual([]);
  const asked = refused.missing.map((words) => /\(ACL: (.+)\)/.exec(words)?.[1] ?? "");
  expect(await reportFor([...rules, ...asked])).toMatchObject({ ok: true, missing: [] });
});

test("what a user could not remove again is not written, and the report says what was not tried", async () => {
  const report = await reportFor([...EVERYTHING, "-hdel", "-del", "-pexpire"]);
  expect(report.missing).toHaveLength(3);
  expect(report.warnings).toEqual([expect.stringContaining("HSETNX")]);
});

test("an eviction policy that drops leases is named", async () => {
  await admin.config("SET", "maxmemory-policy", "allkeys-lru");
  const report = await reportFor(EVERYTHING);
  expect(report).toMatchObject({ ok: true, missing: [] });
  expect(report.warnings).toEqual([expect.stringContaining("allkeys-lru")]);
});

test("without INFO the eviction policy is asked for by other means, and without those it is unknown", async () => {
  await admin.config("SET", "maxmemory-policy", "volatile-ttl");
  const asked = await reportFor([...EVERYTHING, "-info"]);
  expect(asked.warnings).toEqual([expect.stringContaining("volatile-ttl")]);
  const report = await reportFor([...EVERYTHING, "-info", "-config"]);
  expect(report).toMatchObject({ ok: true, missing: [] });
  expect(report.warnings).toEqual([expect.stringContaining("the eviction policy is unknown")]);
});

test("a full server is not taken for a missing right", async () => {
  await admin.config("SET", "maxmemory", "1");
  const report = await reportFor(EVERYTHING);
  expect(report.missing).toEqual([]);
});

test("a replica is named", async () => {
  await admin.call("REPLICAOF", "127.0.0.1", "1");
  try {
    const report = await reportFor(EVERYTHING);
    expect(report.missing).toEqual(["writing: this server is a read-only replica"]);
    expect(report.server?.replica).toBe(true);
  } finally {
    await admin.call("REPLICAOF", "NO", "ONE");
  }
});

test("a node of a Redis Cluster is named", async () => {
  await using node = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
  const slots = await node.client().cluster("ADDSLOTSRANGE", 0, 16_383);
  expect(slots).toBe("OK");
  const commands = openLink(node.url);
  const inbox = openLink(node.url, { onReady: async () => undefined });
  const report = await probeCapabilities(commands, inbox, {
    keySample,
    inbox: inboxName,
    transport: "p",
    timeoutMs: GENEROUS_MS,
  });
  expect(report.server?.cluster).toBe(true);
  expect(report.warnings).toContainEqual(expect.stringContaining("Redis Cluster"));
});

test("a Redis that cannot be reached is reported, not thrown", async () => {
  const away = "redis://127.0.0.1:1";
  const report = await probeCapabilities(openLink(away), openLink(away), {
    keySample,
    inbox: inboxName,
    transport: "p",
    timeoutMs: 300,
  });
  expect(report).toMatchObject({ ok: false, missing: [] });
  expect(report.warnings.join()).toContain("ECONNREFUSED");
  expect(report.server).toBeUndefined();
});

test("the probe covers every command that the scripts call, and no other", () => {
  const trials = [scriptTrials, channelTrials, writingTrials, listTrials, pushTrials];
  const probed = trials.flatMap((of) => of("k")).map(({ right }) => right.split("|")[0] ?? "");
  const called = new Set<string>();
  const folder = new URL("../../src/redis/scripts/", import.meta.url);
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".lua")) continue;
    const text = readFileSync(new URL(file, folder), "utf8");
    // redis.call('SET', …) and functions of ours that pass a command on: healed(KEYS[1], 'GET', …).
    for (const [, name = ""] of text.matchAll(/\b(?:redis\.p?call|healed)\((?:KEYS\[\d\], )?'([A-Z]+)'/g)) {
      called.add(name);
    }
  }
  expect([...new Set(probed)].toSorted()).toEqual([...called].toSorted());
});
