import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Flier } from "../../src/flier.ts";
import { RedisServer, type RedisServerOptions } from "../../src/redis-server.ts";
import { ServerContainer } from "../../src/server-container.ts";
import { waitUntil } from "../../src/wait-until.ts";

// A machine that knows no Redis but Docker's.
const { PATH, SKEIN_REDIS_SERVER } = process.env;
const servers: RedisServer[] = [];

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  servers.push(server);
  return server;
}

function hideBinaries(): void {
  process.env["PATH"] = "/nowhere";
  delete process.env["SKEIN_REDIS_SERVER"];
}

function showBinaries(): void {
  process.env["PATH"] = PATH;
  if (SKEIN_REDIS_SERVER !== undefined) process.env["SKEIN_REDIS_SERVER"] = SKEIN_REDIS_SERVER;
}

/** Whether there is an engine, and the image for it: here, or to be downloaded. */
async function tryDocker(): Promise<string> {
  if (!(await ServerContainer.available())) return "no Docker engine";
  const { getContainerRuntimeClient, ImageName } = await import("testcontainers");
  const { image } = await getContainerRuntimeClient();
  const name = ImageName.fromString(process.env["SKEIN_REDIS_IMAGE"] ?? "redis:7");
  if (await image.exists(name)) return "yes";
  return image.pull(name).then(
    () => "yes",
    (error: unknown) => `no image ${name.string}: ${String(error)}`,
  );
}

const docker = await tryDocker();

describe.runIf(docker === "no Docker engine")("without a server program and without Docker", () => {
  beforeAll(hideBinaries);
  afterAll(showBinaries);

  it("names the ways to have a server", async () => {
    await expect(RedisServer.start()).rejects.toThrow(
      /three ways: install .* SKEIN_REDIS_SERVER, or start Docker/,
    );
  });
});

describe.runIf(docker === "yes")(`RedisServer in Docker (available: ${docker})`, () => {
  beforeAll(hideBinaries);
  afterAll(showBinaries);
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it("answers on 127.0.0.1 and is removed at the end", async () => {
    const server = await start({ password: "secret" });
    expect(await server.client().set("key", "value")).toBe("OK");
    const { pid } = server;
    await server.stop();
    await waitUntil(() => !isAlive(pid));
  });

  it("takes arguments, and shows its log when they are wrong", async () => {
    const server = await start({ args: ["--maxmemory", "12mb"] });
    expect(await server.client().config("GET", "maxmemory")).toStrictEqual(["maxmemory", "12582912"]);
    await expect(start({ args: ["--maxmemory", "much"] })).rejects.toThrow(/argument must be a memory value/);
  });

  it("is killed, paused, resumed and restarted on its port like a process", async () => {
    const server = await start();
    const client = server.client();
    await client.set("key", "value");
    await server.pause();
    let answered = false;
    const waiting = client.get("key").then((value) => {
      answered = true;
      return value;
    });
    await expect(server.client({ commandTimeout: 200 }).ping()).rejects.toThrow();
    expect(answered).toBe(false);
    await server.resume();
    expect(await waiting).toBe("value");
    await server.kill();
    await server.kill();
    expect(() => server.pid).toThrow("not running");
    await server.restart();
    expect(await client.get("key")).toBeNull();
    await server.pause();
    await server.restart();
    expect(await client.ping()).toBe("PONG");
  });

  it("publishes its port for this machine alone where the engine runs in a machine of its own", async () => {
    const platform = Object.getOwnPropertyDescriptor(process, "platform")!;
    Object.defineProperty(process, "platform", { ...platform, value: "darwin" });
    try {
      const server = await start();
      expect(await server.client().set("key", "value")).toBe("OK");
      const [interfaces] = Object.values(networkInterfaces()).flatMap((list) =>
        list?.filter((one) => !one.internal),
      );
      await expect(reach(interfaces!.address, server.port)).rejects.toThrow("ECONNREFUSED");
    } finally {
      Object.defineProperty(process, "platform", platform);
    }
  });

  it("does not outlive the process that started it", async () => {
    const owner = await Flier.start(new URL("../fliers/server-flier.ts", import.meta.url));
    const pid = await owner.call<number>("pid");
    expect(isAlive(pid)).toBe(true);
    await owner.kill();
    await waitUntil(() => !isAlive(pid), { timeoutMs: 30_000 });
  });
});

async function reach(host: string, port: number): Promise<void> {
  const socket = connect({ host, port });
  await once(socket, "connect");
  socket.destroy();
}

function isAlive(pid: number): boolean {
  try {
    execFileSync("/bin/kill", ["-0", String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
