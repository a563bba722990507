/** One wake-up into one list: what it holds at most, when it ends, and what the script may touch. */
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { pushScript } from "../../src/redis/flight-scripts.ts";
import { keys } from "./raw-scripts.ts";

const MAX_MESSAGES = 5;
const MAX_WAITING_BYTES = 1_000;
const TTL_MS = 10_000;

let server: RedisServer;
let redis: Redis;
let inbox: string;
let count = 0;

beforeAll(async () => {
  server = await RedisServer.start({ args: ["--maxmemory-policy", "noeviction"] });
  redis = server.client();
});
beforeEach(() => {
  inbox = `${keys.inboxPrefix}p${++count}`;
});
afterEach(() => redis.config("SET", "maxmemory", "0"));
afterAll(() => server.stop());

/** Status and number of messages that wait. */
async function push(
  message: string | Buffer,
  pointer: string = "",
  client: Redis = redis,
): Promise<readonly unknown[]> {
  const call = pushScript.callOn([inbox], {
    message,
    pointer,
    maxMessages: MAX_MESSAGES,
    maxWaitingBytes: MAX_WAITING_BYTES,
    inboxTtlMs: TTL_MS,
  });
  const reply: unknown = await client.call("EVAL", pushScript.text, 1, ...call.keys, ...call.args);
  const [status, , waiting] = reply as unknown[];
  return [status, waiting];
}

test("PUSHED: the oldest message is popped first, as it was sent", async () => {
  const bytes = Buffer.from([0, 0xff, 0x0a, 0x80]);
  expect(await push("first")).toEqual(["PUSHED", 1]);
  expect(await push(bytes)).toEqual(["PUSHED", 2]);
  expect(await redis.brpop(inbox, 1)).toEqual([inbox, "first"]);
  expect(await redis.rpopBuffer(inbox)).toEqual(bytes);
  expect(await redis.exists(inbox)).toBe(0);
});

test("every push starts the end of the list anew", async () => {
  await push("one");
  await redis.pexpire(inbox, 1);
  await push("two");
  const ttlMs = await redis.pttl(inbox);
  expect(ttlMs).toBeGreaterThan(TTL_MS / 2);
  expect(ttlMs).toBeLessThanOrEqual(TTL_MS);
});

test("beyond the limit the oldest messages are dropped", async () => {
  for (let message = 1; message <= MAX_MESSAGES + 3; message++) await push(`${message}`);
  expect(await redis.lrange(inbox, 0, -1)).toEqual(["8", "7", "6", "5", "4"]);
});

test("while much waits, outcomes stay behind and pointers come in their place; what has no outcome comes as it is", async () => {
  const outcome = "x".repeat(MAX_WAITING_BYTES / 2);
  await push(outcome, "pointer 1");
  await push(outcome, "pointer 2");
  await push(outcome, "pointer 3");
  await push(outcome, "pointer 4");
  await push("y".repeat(MAX_WAITING_BYTES));
  expect((await redis.lrange(inbox, 0, -1)).map((message) => message.slice(0, 9))).toEqual([
    "yyyyyyyyy",
    "pointer 4",
    "xxxxxxxxx",
    "xxxxxxxxx",
    "xxxxxxxxx",
  ]);
});

test("one that waits in vain costs at most a few times the limit, whatever the sizes", async () => {
  for (let size = MAX_WAITING_BYTES; size > 1; size = Math.floor(size / 1.5)) {
    for (let repeat = 0; repeat < 3; repeat++) await push("x".repeat(size), "p");
  }
  const bytes = (await redis.lrange(inbox, 0, -1)).join("").length;
  expect(bytes).toBeLessThan(4 * MAX_WAITING_BYTES);
});

test("a value of another type is dropped", async () => {
  await redis.set(inbox, "not ours");
  expect(await push("ours")).toEqual(["PUSHED", 1]);
  expect(await redis.lrange(inbox, 0, -1)).toEqual(["ours"]);
});

test("a full server takes it, and does not keep it without an end", async () => {
  await redis.config("SET", "maxmemory", "1");
  await expect(redis.lpush(inbox, "anything")).rejects.toThrow(/OOM/);
  expect(await push("finished work")).toEqual(["PUSHED", 1]);
  expect(await redis.pttl(inbox)).toBeGreaterThan(0);
});

test("a user that may use that one list and the commands of the script can push, and nothing else is touched", async () => {
  const rights = ["+eval", "+time", "+ltrim", "+llen", "+lpush", "+pexpire", "+del"];
  await redis.acl("SETUSER", "pusher", "reset", "on", ">secret", `~${inbox}`, ...rights);
  const client = server.client({ username: "pusher", password: "secret" });
  expect(await push("a", "", client)).toEqual(["PUSHED", 1]);
  await redis.acl("SETUSER", "pusher", "-lpush");
  await expect(push("b", "", client)).rejects.toThrow(/NOPERM|can't run/);
  expect(await redis.lrange(inbox, 0, -1)).toEqual(["a"]);
});
