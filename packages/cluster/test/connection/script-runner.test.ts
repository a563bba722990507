import { RedisServer, waitUntil } from "@skein/testkit";
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { feedsBreaker } from "../../src/breaker.ts";
import { CommandFailure, type Link } from "../../src/redis/connection.ts";
import { loadScripts, ScriptRunner, type Script } from "../../src/redis/script-runner.ts";
import { applicationClients, blockFor, closeAll, GENEROUS_MS, openUp } from "./links.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
beforeEach(async () => {
  await server.flushAll();
  await server.client().script("FLUSH");
});
afterEach(async () => {
  await server.resume();
  await closeAll();
});
afterAll(() => server.stop());

function define(name: string, text: string): Script {
  return { name, text, keyCount: 1, sha1: createHash("sha1").update(text).digest("hex") };
}

const echo = define("echo", "return { KEYS[1], ARGV[1], 7, false, { 'nested' } }");
const count = define("count", "return { redis.call('INCRBY', KEYS[1], ARGV[1]) }");

describe.each(applicationClients)("over %s", (_name, make) => {
  test("replies are bytes and integers, unchanged", async () => {
    const runner = new ScriptRunner(await openUp(make(server)));
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    for (const _round of ["by text", "by digest"]) {
      await expect(runner.run(echo, ["key"], [bytes], GENEROUS_MS)).resolves.toEqual([
        Buffer.from("key"),
        bytes,
        7,
        null,
        [Buffer.from("nested")],
      ]);
    }
  });

  test("a batch answers in order, whatever the server knew before", async () => {
    const runner = new ScriptRunner(await openUp(make(server)));
    const calls = Array.from({ length: 20 }, (_unused, index) => ({
      script: index % 2 === 0 ? count : echo,
      keys: ["key"],
      args: [1],
    }));
    for (const _round of ["unknown", "known"]) {
      const replies = await runner.runBatch(calls, GENEROUS_MS);
      expect(replies).toHaveLength(20);
      expect(replies.every((reply) => !(reply instanceof CommandFailure))).toBe(true);
    }
    await expect(server.client().get("key")).resolves.toBe("20");
  });
});

test("a known script is named by its digest, and its text is sent once", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  await server.client().config("RESETSTAT");
  for (let round = 1; round <= 5; round++) await runner.run(count, ["key"], [1], GENEROUS_MS);
  const stats = await server.commandStats();
  expect(stats["eval"]?.calls).toBe(1);
  expect(stats["evalsha"]?.calls).toBe(5);
  await expect(server.client().get("key")).resolves.toBe("5");
});

test("in a batch the text of an unknown script is sent once", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  await server.client().config("RESETSTAT");
  await runner.runBatch(
    Array.from({ length: 100 }, () => ({ script: count, keys: ["key"], args: [1] })),
    GENEROUS_MS,
  );
  expect((await server.commandStats())["eval"]?.calls).toBe(1);
  await expect(server.client().get("key")).resolves.toBe("100");
});

test("a burst of calls of an unknown script brings its text once, alone or in batches", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  const call = { script: count, keys: ["key"], args: [1] };
  const evals = async (): Promise<number> => (await server.commandStats())["eval"]?.calls ?? 0;
  await server.client().config("RESETSTAT");
  await Promise.all(Array.from({ length: 500 }, () => runner.run(count, call.keys, call.args, GENEROUS_MS)));
  expect(await evals()).toBe(1);
  await server.client().script("FLUSH");
  const batch = Array.from({ length: 100 }, () => call);
  const replies = await Promise.all([1, 2, 3].map(() => runner.runBatch(batch, GENEROUS_MS)));
  expect(replies.flat().every((reply) => !(reply instanceof CommandFailure))).toBe(true);
  expect(await evals()).toBe(2);
  await server.client().script("FLUSH");
  await Promise.all(Array.from({ length: 500 }, () => runner.runAfterGet("other", call, GENEROUS_MS)));
  expect(await evals()).toBe(3);
  await expect(server.client().get("key")).resolves.toBe(String(500 + 300 + 500));
});

test("scripts that were loaded when the connection was made are known to the first call", async () => {
  const runner = new ScriptRunner(
    await openUp(server.url, { onReady: (redis) => loadScripts(redis, [echo, count]) }),
  );
  await server.client().config("RESETSTAT");
  await runner.run(count, ["key"], [1], GENEROUS_MS);
  expect((await server.commandStats())["eval"]).toBeUndefined();
});

test("a user that may not load scripts is connected all the same, and refused once only", async () => {
  await server.client().acl("SETUSER", "frugal", "reset", "on", ">secret", "~*", "&*", "+@all", "-script");
  const source = { host: server.host, port: server.port, username: "frugal", password: "secret" };
  const runner = new ScriptRunner(
    await openUp(source, { onReady: (redis) => loadScripts(redis, [echo, count]) }),
  );
  await expect(runner.run(count, ["key"], [1], GENEROUS_MS)).resolves.toEqual([1]);
  const refusals = await server.client().acl("LOG");
  expect(refusals).toHaveLength(1);
});

test("a call that finds its script unknown when its time is up was not sent, and Redis is not to blame", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  const called = runner.run(count, ["key"], [1], 50);
  blockFor(100);
  const failure = await called.catch((error: unknown) => error);
  expect(failure).toMatchObject({ kind: "timeout", sent: false });
  expect(failure instanceof CommandFailure && feedsBreaker(failure)).toBe(false);
});

test("while the server forgets its scripts all the time no call fails and none runs twice", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  let running = true;
  const flushing = (async () => {
    const admin = server.client();
    for (let flushes = 0; ; flushes++) {
      if (!running) return flushes;
      await admin.script("FLUSH");
    }
  })();
  const rounds = 200;
  for (let round = 1; round <= rounds; round++) {
    const call = { script: count, keys: ["key"], args: [1] };
    const [single, batch] = await Promise.all([
      runner.run(count, ["key"], [1], GENEROUS_MS),
      runner.runBatch([call, call, call], GENEROUS_MS),
    ]);
    expect(single).toHaveLength(1);
    for (const reply of batch) expect(reply).not.toBeInstanceOf(CommandFailure);
  }
  running = false;
  expect(await flushing).toBeGreaterThan(rounds);
  await expect(server.client().get("key")).resolves.toBe(String(4 * rounds));
});

test("one call of a batch may fail while the others are answered", async () => {
  const runner = new ScriptRunner(await openUp(server.url));
  await server.client().hset("hash", "field", "value");
  const replies = await runner.runBatch(
    ["key", "hash", "key"].map((key) => ({ script: count, keys: [key], args: [1] })),
    GENEROUS_MS,
  );
  expect(replies[0]).toEqual([1]);
  expect(replies[1]).toMatchObject({ kind: "refused", serverCode: "WRONGTYPE" });
  expect(replies[2]).toEqual([2]);
});

test("both tries of an unknown script share one time limit", async () => {
  const link = await openUp(server.url);
  const runner = new ScriptRunner(link);
  await server.pause();
  const startedAt = performance.now();
  await expect(runner.run(count, ["key"], [1], 200)).rejects.toMatchObject({ kind: "timeout" });
  const batch = await runner.runBatch([{ script: count, keys: ["key"], args: [1] }], 200);
  expect(batch).toMatchObject([{ kind: "timeout", sent: true }]);
  expect(performance.now() - startedAt).toBeLessThan(GENEROUS_MS / 2);
  await server.resume();
  await waitUntil(async () => (await link.send((redis) => redis.ping(), GENEROUS_MS)) === "PONG");
  // The digest was unknown, and nobody waits any more: the text must not be sent.
  await expect(server.client().get("key")).resolves.toBeNull();
});

test("a batch that is cut off fails item by item and rejects nowhere", async () => {
  const link: Link = await openUp(server.url);
  const runner = new ScriptRunner(link);
  await server.pause();
  const batch = runner.runBatch(
    Array.from({ length: 10 }, () => ({ script: count, keys: ["key"], args: [1] })),
    60_000,
  );
  link.reconnect();
  for (const item of await batch) expect(item).toMatchObject({ kind: "unavailable", sent: true });
  const away = await runner.runBatch([{ script: count, keys: ["key"], args: [1] }], 60_000);
  expect(away).toMatchObject([{ kind: "unavailable", sent: false }]);
});
