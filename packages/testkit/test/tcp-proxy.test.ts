import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RedisServer } from "../src/redis-server.ts";
import { SeededRandom } from "../src/seeded-random.ts";
import type { ClientOptions } from "../src/server-launch.ts";
import { TcpProxy } from "../src/tcp-proxy.ts";
import { waitUntil } from "../src/wait-until.ts";

const VERSIONS = [2, 3] as const;

let server: RedisServer;
let proxy: TcpProxy;
let direct: Redis;
const clients: Redis[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());

beforeEach(async () => {
  await server.flushAll();
  proxy = await TcpProxy.start({ targetPort: server.port });
});
afterEach(async () => {
  for (const each of clients.splice(0)) each.disconnect();
  await proxy.stop();
});

/** A client that neither reconnects nor repeats: what happens on its connection is seen. */
async function client(options: ClientOptions = {}): Promise<Redis> {
  const redis = server.client({ port: proxy.port, retryStrategy: null, disableClientInfo: true, ...options });
  clients.push(redis);
  await redis.ping();
  return redis;
}

function isOpen(redis: Redis): boolean {
  return redis.status === "ready";
}

describe("TcpProxy without faults", () => {
  it("passes commands, replies, large values and the ends of connections", async () => {
    const redis = await client();
    const large = "x".repeat(8_000_000);
    await redis.set("key", large);
    expect(await redis.get("key")).toBe(large);
    await redis.quit();
    await waitUntil(() => proxy.connections.length === 0);
  });

  it("knows what each connection has sent, and how much", async () => {
    const one = await client();
    const two = await client();
    await two.subscribe("channel");
    await one.set("a", "1");
    expect(proxy.connections.map(({ id }) => id)).toStrictEqual([1, 2]);
    expect(proxy.connections[0]!.commands).toContain("set");
    expect(proxy.connections[0]!.commands).not.toContain("subscribe");
    expect(proxy.connections[1]!.commands).toContain("subscribe");
    expect(proxy.connections[0]!.bytesToServer).toBeGreaterThan(20);
    expect(proxy.connections[0]!.bytesToClient).toBeGreaterThan(5);
  });

  it("resets clients when there is no server behind it", async () => {
    const nowhere = await TcpProxy.start({ targetPort: 1 });
    const socket = connect(nowhere.port, nowhere.host);
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    await nowhere.stop();
  });

  it("can be stopped twice, and resets what is open", async () => {
    const redis = await client();
    await proxy.stop();
    await proxy.stop();
    await waitUntil(() => !isOpen(redis));
  });
});

describe("delay", () => {
  it("holds up each direction by its time", async () => {
    const redis = await client();
    const elapsed = async () => {
      const startedAt = performance.now();
      await redis.ping();
      return performance.now() - startedAt;
    };
    proxy.delay({ ms: 60 });
    expect(await elapsed()).toBeGreaterThanOrEqual(119);
    proxy.pass();
    proxy.delay({ ms: 60, direction: "to-client" });
    await elapsed();
    const both = await Promise.all([elapsed(), elapsed()]);
    for (const ms of both) expect(ms).toBeGreaterThanOrEqual(59);
    const until = performance.now();
    await direct.ping();
    expect(performance.now() - until).toBeLessThan(5_000);
  });

  it("keeps the order of bytes under jitter, also when it ends", async () => {
    const redis = await client();
    proxy.delay({ ms: 1, jitterMs: 20 });
    const lengths: number[] = [];
    for (let index = 0; index < 100; index++) {
      if (index === 70) proxy.pass();
      // A turn of the event loop each: so that they travel in pieces of their own.
      const pushed = redis.rpush("list", String(index)).then((length) => lengths.push(length));
      await Promise.race([pushed, new Promise((resolve) => setImmediate(resolve))]);
    }
    expect(await redis.llen("list")).toBe(100);
    const inOrder = Array.from({ length: 100 }, (_, index) => index);
    expect(lengths).toStrictEqual(inOrder.map((index) => index + 1));
    expect(await direct.lrange("list", 0, -1)).toStrictEqual(inOrder.map(String));
  });

  it("takes its jitter from the chance it is given", async () => {
    const drawn: number[] = [];
    const random = new SeededRandom(1);
    const watched = await TcpProxy.start({
      targetPort: server.port,
      random: {
        fraction: () => {
          drawn.push(random.fraction());
          return drawn.at(-1)!;
        },
      },
    });
    watched.delay({ ms: 0, jitterMs: 5 });
    const redis = server.client({ port: watched.port });
    await redis.ping();
    redis.disconnect();
    await watched.stop();
    expect(drawn.length).toBeGreaterThan(0);
  });

  it("lets the end of a connection arrive after the bytes before it", async () => {
    await using echo = await EchoServer.start();
    const slow = await TcpProxy.start({ targetPort: echo.port });
    slow.delay({ ms: 30 });
    const socket = connect(slow.port, slow.host);
    socket.end("last words");
    const heard = (await socket.setEncoding("utf8").toArray()) as string[];
    expect(heard.join("")).toBe("last words");
    await slow.stop();
  });
});

describe("swallow", () => {
  it("loses all bytes both ways while the sockets stay open", async () => {
    const redis = await client();
    const before = await direct.client("LIST");
    proxy.swallow();
    let settled = false;
    const lost = redis.set("key", "value").finally(() => {
      settled = true;
    });
    lost.catch(() => undefined);
    for (let round = 0; round < 5; round++) await direct.ping();
    expect(await direct.exists("key")).toBe(0);
    expect({ settled, open: isOpen(redis) }).toStrictEqual({ settled: false, open: true });
    expect(((await direct.client("LIST")) as string).split("\n")).toHaveLength(
      (before as string).split("\n").length,
    );
  });

  it("hides the end of one side from the other, as a host that vanished would", async () => {
    const follower = await client();
    await follower.subscribe("inbox");
    proxy.swallow();
    follower.disconnect();
    await waitUntil(() => follower.status === "end");
    for (let round = 0; round < 5; round++) await direct.ping();
    expect(await direct.pubsub("NUMSUB", "inbox")).toStrictEqual(["inbox", 1]);
  });

  it("accepts new connections and stays silent", async () => {
    proxy.swallow();
    const socket = connect(proxy.port, proxy.host);
    await once(socket, "connect");
    socket.write("PING\r\n");
    let heard = "";
    socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
    for (let round = 0; round < 5; round++) await direct.ping();
    expect(heard).toBe("");
    socket.destroy();
  });

  it("leaves a connection deaf that has lost something, and others well, when it is over", async () => {
    const loser = await client();
    const lucky = await client();
    proxy.swallow();
    loser.get("key").catch(() => undefined);
    for (let round = 0; round < 5; round++) await direct.ping();
    proxy.pass();
    expect(await lucky.ping()).toBe("PONG");
    let answered = false;
    loser.ping().then(
      () => (answered = true),
      () => undefined,
    );
    for (let round = 0; round < 5; round++) await lucky.ping();
    expect(answered).toBe(false);
  });

  it("can be for one direction only: the command is carried out, its reply never comes", async () => {
    const redis = await client();
    proxy.swallow("to-client");
    redis.set("key", "value").catch(() => undefined);
    await waitUntil(() => direct.get("key"));
    expect(isOpen(redis)).toBe(true);
  });
});

describe("hold", () => {
  it("delivers nothing, then everything, in order", async () => {
    const redis = await client();
    proxy.hold();
    const replies = Promise.all([redis.rpush("list", "a"), redis.rpush("list", "b")]);
    for (let round = 0; round < 5; round++) await direct.ping();
    expect(await direct.llen("list")).toBe(0);
    proxy.release();
    expect(await replies).toStrictEqual([1, 2]);
  });

  it("can be for replies alone", async () => {
    const redis = await client();
    proxy.holdReplies();
    let answered = false;
    const reply = redis.set("key", "value").then(() => (answered = true));
    await waitUntil(() => direct.get("key"));
    expect(answered).toBe(false);
    proxy.releaseReplies();
    await reply;
  });

  it("makes the sender wait when too much is held, and loses nothing", async () => {
    await using echo = await EchoServer.start();
    const narrow = await TcpProxy.start({ targetPort: echo.port });
    narrow.hold("to-server");
    const socket = connect(narrow.port, narrow.host);
    const text = "0123456789".repeat(3_000_000);
    socket.end(text);
    // Some of it is on the way, but the sender does not get rid of the rest.
    const sent = waitUntil(() => socket.writableLength === 0, { timeoutMs: 500 });
    await expect(sent).rejects.toThrow("in vain");
    narrow.release();
    const heard = (await socket.setEncoding("utf8").toArray()) as string[];
    expect(heard.join("") === text).toBe(true);
    await narrow.stop();
  });
});

describe("reset and refuse", () => {
  it("resets all connections, for the client and for the server", async () => {
    const redis = await client();
    const other = await client();
    const errors: string[] = [];
    redis.on("error", (error: NodeJS.ErrnoException) => errors.push(String(error.code)));
    expect(proxy.reset()).toBe(2);
    await waitUntil(() => !isOpen(redis) && !isOpen(other));
    expect(errors).toContain("ECONNRESET");
    await waitUntil(
      async () => {
        const list = (await direct.client("LIST")) as string;
        return list.trim().split("\n").length === 2;
      },
      { what: "the server to see only the two direct connections" },
    );
  });

  it("resets new connections while it refuses, and leaves the open ones alone", async () => {
    const redis = await client();
    proxy.refuse();
    await expect(client()).rejects.toThrow();
    expect(await redis.ping()).toBe("PONG");
    proxy.refuse(false);
    await client();
  });
});

describe.each(VERSIONS)("cutReply, RESP%i", (protocol) => {
  it("carries the request out, loses its reply and closes the connection", async () => {
    const redis = await client({ protocol });
    proxy.cutReply((_request, name) => name === "incr");
    await expect(redis.incr("key")).rejects.toThrow();
    await waitUntil(() => !isOpen(redis));
    expect(await direct.get("key")).toBe("1");
    expect(proxy.cuts).toBe(1);
  });

  it("lets the replies of earlier requests through, and cuts in the middle of a burst", async () => {
    const redis = await client({ protocol });
    proxy.cutReply((request) => request.includes("third"));
    const replies = await Promise.allSettled(
      ["first", "second", "third", "fourth"].map((element) => redis.rpush("list", element)),
    );
    expect(replies.map(({ status }) => status)).toStrictEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    await waitUntil(async () => (await direct.llen("list")) === 4);
  });

  it("happens once", async () => {
    const redis = await client({ protocol });
    proxy.cutReply((_request, name) => name === "set");
    await expect(redis.set("key", "value")).rejects.toThrow();
    const next = await client({ protocol });
    expect(await next.set("key", "value")).toBe("OK");
  });

  it("works on a connection that is waiting in a blocking command", async () => {
    const redis = await client({ protocol });
    proxy.cutReply((_request, name) => name === "brpop");
    const popped = redis.brpop("list", 0).then(
      () => "popped",
      () => "lost",
    );
    await waitUntil(() => proxy.connections[0]!.commands.has("brpop"));
    await direct.lpush("list", "element");
    expect(await popped).toBe("lost");
    expect(await direct.llen("list")).toBe(0);
  });

  it("counts right on a connection that has subscribed", async () => {
    const redis = await client({ protocol: 3 });
    await redis.subscribe("channel");
    await direct.publish("channel", "a message");
    proxy.cutReply((_request, name) => name === "incr");
    const replies = await Promise.allSettled([redis.echo("before"), redis.incr("key"), redis.echo("after")]);
    expect(replies.map(({ status }) => status)).toStrictEqual(["fulfilled", "rejected", "rejected"]);
    await waitUntil(async () => (await direct.get("key")) === "1");
  });

  it("can lose the answer to a subscription, which then exists for a moment", async () => {
    const redis = await client({ protocol });
    proxy.cutReply((_request, name) => name === "subscribe");
    await expect(redis.subscribe("channel")).rejects.toThrow();
    expect(proxy.cuts).toBe(1);
  });
});

describe("only", () => {
  it("aims a fault at the connections that have sent a command", async () => {
    const commands = await client();
    const inbox = await client();
    await inbox.subscribe("channel");
    proxy.only((connection) => connection.commands.has("subscribe"));
    proxy.swallow();
    let heard = false;
    inbox.on("message", () => (heard = true));
    await commands.publish("channel", "unheard");
    expect(await commands.ping()).toBe("PONG");
    expect({ heard, open: isOpen(inbox) }).toStrictEqual({ heard: false, open: true });
    expect(proxy.reset()).toBe(1);
    await waitUntil(() => !isOpen(inbox));
    expect(await commands.ping()).toBe("PONG");
  });

  it("delays, holds and cuts on those alone, until it is taken back", async () => {
    const chosen = await client();
    const other = await client();
    await chosen.call("TIME");
    proxy.only((connection) => connection.commands.has("time"));
    proxy.hold();
    const waiting = chosen.get("key");
    expect(await other.set("key", "value")).toBe("OK");
    proxy.only();
    proxy.release();
    expect(await waiting).toBe("value");
    proxy.only((connection) => connection.commands.has("time"));
    proxy.cutReply(() => true);
    expect(await other.ping()).toBe("PONG");
    await expect(chosen.ping()).rejects.toThrow();
  });
});

/** Answers with what it hears. */
class EchoServer implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Server;

  private constructor(listener: Server, port: number) {
    this.#listener = listener;
    this.port = port;
  }

  static async start(): Promise<EchoServer> {
    const listener = createServer({ allowHalfOpen: true }, (socket: Socket) => socket.pipe(socket));
    await once(listener.listen(0, "127.0.0.1"), "listening");
    return new EchoServer(listener, (listener.address() as { port: number }).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#listener.close(resolve);
    });
  }
}
