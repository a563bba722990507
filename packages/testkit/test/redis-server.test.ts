import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { RedisServer, type RedisServerOptions } from "../src/redis-server.ts";
import { waitUntil } from "../src/wait-until.ts";

const servers: RedisServer[] = [];

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe("RedisServer", () => {
  it("starts a server of its own that answers, and ends it", async () => {
    const server = await start();
    const client = server.client();
    expect(await client.set("key", "value")).toBe("OK");
    const { pid } = server;
    const [, directory = ""] = await client.config("GET", "dir");
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    await expect(access(directory)).rejects.toThrow("ENOENT");
    await expect(client.get("key")).rejects.toThrow("closed");
    expect(() => server.pid).toThrow("not running");
  });

  it("starts several at once on ports of their own", async () => {
    const [one, two, three] = await Promise.all([start(), start(), start()]);
    expect(new Set([one.port, two.port, three.port]).size).toBe(3);
    await one.client().set("key", "one");
    expect(await two.client().get("key")).toBeNull();
  });

  it("listens on the loopback address only, and writes nothing to disk", async () => {
    const config = async (name: string) => (await client.config("GET", name))[1];
    const client = (await start()).client();
    expect(await config("bind")).toBe("127.0.0.1");
    expect(await config("save")).toBe("");
    expect(await config("appendonly")).toBe("no");
  });

  it("passes further arguments on, which win over the defaults", async () => {
    const server = await start({ args: ["--maxmemory", "12mb", "--appendonly", "yes"] });
    expect(await server.client().config("GET", "maxmemory")).toStrictEqual(["maxmemory", "12582912"]);
    expect(await server.client().config("GET", "appendonly")).toStrictEqual(["appendonly", "yes"]);
  });

  it("asks for the password, which its url and its clients carry", async () => {
    const server = await start({ password: "p@ss word" });
    expect(await server.client().ping()).toBe("PONG");
    expect(new URL(server.url).password).toBe("p%40ss%20word");
    const stranger = server.client({ password: "wrong", retryStrategy: null });
    await expect(stranger.ping()).rejects.toThrow();
  });

  it("shows the server's own log when it does not start", async () => {
    await expect(start({ args: ["--maxmemory", "much"] })).rejects.toThrow(/argument must be a memory value/);
  });

  it("says which program it did not find", async () => {
    await expect(start({ binary: "/nowhere/redis-server" })).rejects.toThrow("/nowhere/redis-server");
  });

  it("refuses a fixed port that another server has, and leaves that one alone", async () => {
    const first = await start();
    await first.client().set("key", "mine");
    await expect(start({ port: first.port })).rejects.toThrow(String(first.port));
    expect(await first.client().get("key")).toBe("mine");
  });

  it("is killed without a farewell, and its clients find the empty successor on the same port", async () => {
    const server = await start();
    const client = server.client();
    await client.set("key", "value");
    const { pid } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    const waiting = client.get("key");
    await server.restart();
    expect(await waiting).toBeNull();
    expect(server.pid).not.toBe(pid);
  });

  it("restarts a server that is still running, and one that is paused", async () => {
    const server = await start();
    await server.client().set("key", "value");
    await server.restart();
    expect(await server.client().dbsize()).toBe(0);
    await server.pause();
    await server.restart();
    expect(await server.client().ping()).toBe("PONG");
  });

  it("is silent while paused, with its connections open, and answers when it goes on", async () => {
    const server = await start();
    const client = server.client();
    await client.ping();
    await server.pause();
    let answered = false;
    const waiting = client.ping().then(() => {
      answered = true;
    });
    if (process.platform === "linux") {
      await waitUntil(async () => (await readFile(`/proc/${server.pid}/stat`, "utf8")).includes(") T "));
    }
    expect(answered).toBe(false);
    expect(client.status).toBe("ready");
    await server.resume();
    await waiting;
  });

  it("stops a paused server, and one that is busy in a script", async () => {
    const paused = await start();
    await paused.pause();
    await paused.stop();
    const busy = await start({ args: ["--lua-time-limit", "100"] });
    const script = busy
      .client()
      .eval("while true do end", 0)
      .catch(() => "cut off");
    const looker = busy.client();
    await waitUntil(
      async () =>
        looker.ping().then(
          () => false,
          (error: unknown) => String(error).includes("BUSY"),
        ),
      {
        what: "the script to be too slow",
        timeoutMs: 20_000,
      },
    );
    await busy.stop();
    expect(await script).toBe("cut off");
  });

  it("can be stopped twice", async () => {
    const server = await start();
    await server.stop();
    await server.stop();
  });

  it("counts calls per command", async () => {
    const server = await start();
    const client = server.client();
    await client.set("a", "1");
    await client.set("b", "2");
    await client.eval("return redis.call('GET', KEYS[1])", 1, "a");
    await expect(client.call("LPUSH", "a", "x")).rejects.toThrow("WRONGTYPE");
    const stats = await server.commandStats();
    expect(stats["set"]).toMatchObject({ calls: 2, failedCalls: 0 });
    expect(stats["get"]?.calls).toBe(1);
    expect(stats["lpush"]).toMatchObject({ calls: 1, failedCalls: 1 });
    expect(stats["eval"]?.usec).toBeGreaterThan(0);
    expect(stats["config|get"]?.calls).toBe(1);
  });

  it("forgets everything at flushAll", async () => {
    const server = await start();
    await server.client().set("key", "value");
    await server.flushAll();
    expect(await server.client().dbsize()).toBe(0);
  });

  it("is stopped at the end of its scope", async () => {
    let pid: number;
    {
      await using server = await RedisServer.start();
      ({ pid } = server);
    }
    expect(isAlive(pid)).toBe(false);
  });

  it("uses the program that SKEIN_REDIS_SERVER names, with the environment asked for", async () => {
    const directory = await mkdtemp(join(tmpdir(), "skein-test-"));
    const wrapper = join(directory, "my-redis");
    await writeFile(
      wrapper,
      `#!/bin/sh\nprintf "$SKEIN_TEST" > '${directory}/witness'\nexec redis-server "$@"\n`,
      { mode: 0o755 },
    );
    process.env["SKEIN_REDIS_SERVER"] = wrapper;
    try {
      await start({ env: { SKEIN_TEST: "geese" } });
      expect(await readFile(join(directory, "witness"), "utf8")).toBe("geese");
    } finally {
      delete process.env["SKEIN_REDIS_SERVER"];
      await rm(directory, { recursive: true });
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
