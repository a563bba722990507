import { background } from "@skein/core/internal";
import { RedisServer, waitUntil } from "@skein/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CommandFailure, type Link } from "../../src/redis/connection.ts";
import {
  applicationClients,
  blockFor,
  closeAll,
  GENEROUS_MS,
  openLink,
  openUp,
  REDIS_TIMEOUT_MS,
  untilState,
} from "./links.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start({ args: ["--enable-debug-command", "yes"] });
});
afterEach(async () => {
  await server.resume();
  await closeAll();
});
afterAll(() => server.stop());

async function failureOf(promise: Promise<unknown>): Promise<CommandFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandFailure)) throw new Error(`not a CommandFailure: ${String(error)}`);
  return error;
}

/** How many connections of Skein's the server has. */
async function connections(): Promise<number> {
  const list = await server.client().client("LIST");
  return String(list)
    .split("\n")
    .filter((line) => line.includes(" name=skein ")).length;
}

const sources: readonly [string, () => ConstructorParameters<typeof Link>[0]["source"]][] = [
  ["a URL", () => server.url],
  ["options", () => ({ host: server.host, port: server.port })],
  ...applicationClients.map(
    ([name, make]) => [name, () => make(server)] as [string, () => ReturnType<typeof make>],
  ),
];

describe.each(sources)("connected by %s", (_name, source) => {
  test("commands are answered", async () => {
    const link = openLink(source());
    expect(link.state).toBe("connecting");
    await expect(link.whenUp(performance.now() + GENEROUS_MS)).resolves.toBe(true);
    expect(link.downSince).toBeUndefined();
    await expect(link.send((redis) => redis.ping(), GENEROUS_MS)).resolves.toBe("PONG");
  });

  test("when Redis dies every pending command rejects at once, and none runs on the Redis that comes back", async () => {
    const link = await openUp(source());
    await server.pause();
    const failures: CommandFailure[] = [];
    for (let index = 1; index <= 50; index++) {
      background(
        failureOf(link.send((redis) => redis.incr("counter"), 60_000)).then((it) => failures.push(it)),
      );
    }
    const batch = link.send((redis) => redis.pipeline().incr("counter").incr("counter").exec(), 60_000);
    const down = untilState(link, "down");
    await server.kill();
    await down;
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toHaveLength(50);
    for (const failure of failures) expect(failure).toMatchObject({ kind: "unavailable", sent: true });
    for (const [error] of (await batch) ?? []) expect(error).toBeInstanceOf(Error);
    expect(await failureOf(link.send((redis) => redis.incr("counter"), 60_000))).toMatchObject({
      kind: "unavailable",
      sent: false,
    });
    await server.restart();
    await untilState(link, "up");
    await expect(link.send((redis) => redis.get("counter"), GENEROUS_MS)).resolves.toBeNull();
  });

  test("a hung Redis costs the time limit, and its late reply is taken for no other", async () => {
    const link = await openUp(source());
    await server.pause();
    const startedAt = performance.now();
    const failure = await failureOf(link.send((redis) => redis.echo("late"), REDIS_TIMEOUT_MS));
    expect(failure).toMatchObject({ kind: "timeout", sent: true });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(REDIS_TIMEOUT_MS - 2);
    await server.resume();
    await expect(link.send((redis) => redis.echo("next"), GENEROUS_MS)).resolves.toBe("next");
  });

  test("a Redis that stays hung is noticed by its silence, also by a subscriber", async () => {
    const commands = await openUp(source(), { silenceLimitMs: 600 });
    const inbox = await openUp(source(), {
      silenceLimitMs: 600,
      onReady: async (redis) => {
        await redis.subscribe("news");
      },
    });
    await server.pause();
    await Promise.all([untilState(commands, "down"), untilState(inbox, "down")]);
    await server.resume();
    await Promise.all([untilState(commands, "up"), untilState(inbox, "up")]);
  });

  test("a subscriber that is only asked for signs of life stays up", async () => {
    const inbox = await openUp(source(), {
      silenceLimitMs: 300,
      onReady: async (redis) => {
        await redis.subscribe("news");
      },
    });
    const states: string[] = [];
    inbox.onStateChange((state) => states.push(state));
    const heardAt = inbox.lastHeardAt;
    await waitUntil(() => inbox.lastHeardAt - heardAt > 1_000, { what: "signs of life for a second" });
    expect(states).toEqual([]);
  });
});

test("a process that was busy for longer than the limit still takes the reply of a healthy Redis", async () => {
  const link = await openUp(server.url);
  const reply = link.send((redis) => redis.ping(), REDIS_TIMEOUT_MS);
  blockFor(400);
  await expect(reply).resolves.toBe("PONG");
  expect(link.stalledWithin(400)).toBeGreaterThan(300);
});

test("a timeout while the process was busy says so", async () => {
  const link = await openUp(server.url);
  await server.pause();
  const reply = link.send((redis) => redis.ping(), REDIS_TIMEOUT_MS);
  blockFor(400);
  expect(await failureOf(reply)).toMatchObject({ kind: "timeout", loopDelayed: true });
});

test("a subscriber is up when it has subscribed, and again after every reconnect", async () => {
  const subscribed: (() => void)[] = [];
  const link = openLink(server.url, {
    onReady: async (redis) => {
      await new Promise<void>((resolve) => {
        subscribed.push(resolve);
      });
      await redis.subscribe("news");
    },
  });
  const received: string[] = [];
  link.redis.on("message", (_channel, message) => received.push(message));
  await waitUntil(() => subscribed.length === 1);
  expect(link.state).toBe("connecting");
  subscribed[0]!();
  await untilState(link, "up");
  await expect(server.client().publish("news", "first")).resolves.toBe(1);
  await waitUntil(() => received.length === 1);

  link.reconnect();
  await untilState(link, "down");
  await waitUntil(() => subscribed.length === 2);
  expect(link.state).toBe("down");
  subscribed[1]!();
  await untilState(link, "up");
  await expect(server.client().publish("news", "second")).resolves.toBe(1);
  await waitUntil(() => received.length === 2);
  expect(received).toEqual(["first", "second"]);
});

test("a connection that the server cuts again and again always comes back", async () => {
  const link = await openUp(server.url);
  const admin = server.client();
  for (let round = 1; round <= 10; round++) {
    const down = untilState(link, "down");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await down;
    await untilState(link, "up");
  }
  expect(await connections()).toBe(1);
});

test("a Redis that was never there costs the first callers the time limit and later ones nothing", async () => {
  const link = openLink("redis://127.0.0.1:1");
  const startedAt = performance.now();
  await expect(link.whenUp(startedAt + GENEROUS_MS)).resolves.toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(GENEROUS_MS / 2);
  expect(link).toMatchObject({ state: "down", hopeless: true, trouble: "ECONNREFUSED" });
  expect(link.downSince).toBeLessThanOrEqual(startedAt);
  expect(await failureOf(link.send((redis) => redis.ping(), GENEROUS_MS))).toMatchObject({ sent: false });
});

test("a process that was busy while it connected still finds Redis", async () => {
  const link = openLink(server.url);
  const caller = link.whenUp(performance.now() + GENEROUS_MS);
  blockFor(2 * REDIS_TIMEOUT_MS);
  await expect(caller).resolves.toBe(true);
});

test("a server that is loading is not up before it has loaded", async () => {
  const admin = server.client();
  const link = await openUp(server.url);
  const pipeline = admin.pipeline();
  for (let key = 0; key < 2_000; key++) pipeline.set(`filler:${key}`, "x".repeat(100));
  await pipeline.exec();
  await admin.config("SET", "key-load-delay", "1000");
  await admin.config("SET", "loading-process-events-interval-bytes", "1024");
  const loaded = admin.call("DEBUG", "RELOAD");
  const failure = await waitUntil(async () => {
    const seen = await failureOf(link.send((redis) => redis.get("k"), GENEROUS_MS));
    return seen.serverCode === "LOADING" ? seen : undefined;
  });
  expect(failure.kind).toBe("unavailable");
  link.reconnect();
  await waitUntil(() => link.state === "down" && link.trouble === "LOADING");
  await loaded;
  await untilState(link, "up");
  await server.flushAll();
});

test("a server that runs an endless script is unavailable, not in the wrong", async () => {
  const admin = server.client();
  const link = await openUp(server.url);
  await admin.config("SET", "lua-time-limit", "5");
  const endless = server
    .client()
    .eval("while true do end", 0)
    .catch(() => undefined);
  await waitUntil(
    async () => (await failureOf(link.send((redis) => redis.get("k"), GENEROUS_MS))).serverCode === "BUSY",
  );
  expect(await failureOf(link.send((redis) => redis.get("k"), GENEROUS_MS))).toMatchObject({
    kind: "unavailable",
  });
  await admin.script("KILL");
  await endless;
});

test("a server that became a replica is left, and not asked over and over", async () => {
  const admin = server.client();
  const link = await openUp(server.url);
  await admin.call("REPLICAOF", "127.0.0.1", "1");
  try {
    const down = untilState(link, "down");
    expect(await failureOf(link.send((redis) => redis.set("k", "v"), GENEROUS_MS))).toMatchObject({
      kind: "unavailable",
      serverCode: "READONLY",
    });
    await down;
    await untilState(link, "up");
    let reconnects = 0;
    link.onStateChange((state) => {
      if (state === "down") reconnects += 1;
    });
    const startedAt = performance.now();
    for (let refusals = 0; refusals < 20;) {
      await link.whenUp(performance.now() + GENEROUS_MS);
      const { serverCode } = await failureOf(link.send((redis) => redis.set("k", "v"), GENEROUS_MS));
      if (serverCode === "READONLY") refusals += 1;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    expect(reconnects).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 1_000);
  } finally {
    await admin.call("REPLICAOF", "NO", "ONE");
  }
  await untilState(link, "up");
  await expect(link.send((redis) => redis.set("k", "v"), GENEROUS_MS)).resolves.toBe("OK");
});

test("an answer of the server to one command leaves the connection alone", async () => {
  const link = await openUp(server.url);
  await link.send((redis) => redis.set("text", "v"), GENEROUS_MS);
  expect(await failureOf(link.send((redis) => redis.hget("text", "f"), GENEROUS_MS))).toMatchObject({
    kind: "refused",
    serverCode: "WRONGTYPE",
    sent: true,
  });
  expect(link.state).toBe("up");
});

test("closing rejects what is pending and leaves no connection behind", async () => {
  const link = await openUp(server.url);
  const pending = failureOf(link.send((redis) => redis.blpop("nothing", 0), 60_000));
  const waiter = openLink("redis://127.0.0.1:1");
  const waiting = waiter.whenUp(performance.now() + 60_000);
  await Promise.all([link.close(), waiter.close()]);
  expect(await pending).toMatchObject({ kind: "unavailable" });
  await expect(waiting).resolves.toBe(false);
  expect(link.state).toBe("closed");
  await expect(link.whenUp(performance.now() + 60_000)).resolves.toBe(false);
  expect(await failureOf(link.send((redis) => redis.ping(), 60_000))).toMatchObject({ sent: false });
  await waitUntil(async () => (await connections()) === 0, { what: "no connection of ours" });
});

test("closing does not wait for a Redis that hangs", async () => {
  const link = await openUp(server.url);
  await server.pause();
  const pending = failureOf(link.send((redis) => redis.ping(), 60_000));
  await link.close();
  expect(await pending).toMatchObject({ kind: "unavailable", sent: true });
});
