import { readFile } from "node:fs/promises";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  addUser,
  evictEverything,
  exhaustMemory,
  flushScripts,
  freezeServer,
  killSubscribers,
  limitSubscriberBuffers,
  occupyWithScript,
  pauseClients,
  relieveMemory,
} from "../src/redis-faults.ts";
import { RedisServer } from "../src/redis-server.ts";
import { waitUntil } from "../src/wait-until.ts";

let server: RedisServer;
let client: Redis;
let admin: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
  admin = server.client();
  await Promise.all([client.ping(), admin.ping()]);
});
afterAll(() => server.stop());
beforeEach(() => server.flushAll());

describe("faults of a Redis that answers", () => {
  it("kills subscribers and nobody else", async () => {
    const subscriber = server.client({ retryStrategy: null });
    await subscriber.subscribe("channel");
    expect(await killSubscribers(admin)).toBe(1);
    await waitUntil(() => subscriber.status === "end");
    expect(await client.ping()).toBe("PONG");
  });

  it("flushes scripts", async () => {
    const digest = String(await client.script("LOAD", "return 1"));
    expect(await client.evalsha(digest, 0)).toBe(1);
    await flushScripts(admin);
    await expect(client.evalsha(digest, 0)).rejects.toThrow("NOSCRIPT");
  });

  it("freezes the server for everybody", async () => {
    const startedAt = performance.now();
    const frozen = freezeServer(server, 200);
    if (process.platform === "linux") {
      await waitUntil(async () => (await readFile(`/proc/${server.pid}/stat`, "utf8")).includes(") T "));
      await Promise.all([client.ping(), admin.ping()]);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
    }
    await frozen;
  });

  it("occupies the server with a script, silently at first, then BUSY", async () => {
    await admin.config("SET", "busy-reply-threshold", "100");
    const startedAt = performance.now();
    const occupied = occupyWithScript(admin, 400);
    await waitUntil(() =>
      client.ping().then(
        () => false,
        (error: unknown) => String(error).includes("BUSY"),
      ),
    );
    await occupied;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(395);
    expect(await client.ping()).toBe("PONG");
  });

  it("pauses clients, or only those that write", async () => {
    await pauseClients(admin, 60_000, "WRITE");
    expect(await client.get("key")).toBeNull();
    let written = false;
    const write = client.set("key", "value").then(() => {
      written = true;
    });
    for (let round = 0; round < 5; round++) await admin.ping();
    expect(written).toBe(false);
    await admin.call("CLIENT", "UNPAUSE");
    await write;
    const startedAt = performance.now();
    await pauseClients(admin, 100);
    await client.get("key");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95);
  });

  it("exhausts memory, for what needs some, and relieves it", async () => {
    await client.set("key", "value");
    await exhaustMemory(admin);
    await expect(client.set("other", "value")).rejects.toThrow("OOM");
    expect(await client.get("key")).toBe("value");
    await relieveMemory(admin);
    expect(await client.set("other", "value")).toBe("OK");
  });

  it("evicts everything, and goes on", async () => {
    for (let index = 0; index < 500; index++) await client.set(`key${index}`, "value");
    await evictEverything(admin);
    expect(await client.dbsize()).toBe(0);
    expect(await client.set("key", "value")).toBe("OK");
  });

  it("disconnects a subscriber that is too far behind", async () => {
    await limitSubscriberBuffers(admin, 100_000);
    const subscriber = server.client({ retryStrategy: null });
    await subscriber.subscribe("channel");
    await client.publish("channel", "x".repeat(1_000_000));
    await waitUntil(() => subscriber.status === "end");
  });

  it("adds users without some right", async () => {
    await addUser(admin, "limited", "pass word", "~*", "+@all", "-eval", "resetchannels");
    const limited = server.client({ username: "limited", password: "pass word" });
    expect(await limited.set("key", "value")).toBe("OK");
    await expect(limited.eval("return 1", 0)).rejects.toThrow("NOPERM");
    await expect(limited.publish("channel", "x")).rejects.toThrow("NOPERM");
  });
});
