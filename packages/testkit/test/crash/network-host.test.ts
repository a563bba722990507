import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Flier } from "../../src/flier.ts";
import { NetworkHost } from "../../src/network-host.ts";
import { RedisServer } from "../../src/redis-server.ts";
import { waitUntil } from "../../src/wait-until.ts";

const CLIENT = new URL("../fliers/redis-flier.ts", import.meta.url);
const available = await NetworkHost.available();

it("says whether this machine can have network hosts, and what is missing if not", () => {
  expect(available === true || available.length > 20).toBe(true);
});

describe.runIf(available === true)(`NetworkHost (available: ${available})`, () => {
  let host: NetworkHost;
  let server: RedisServer;
  let flier: Flier;

  beforeEach(async () => {
    host = await NetworkHost.create();
    server = await RedisServer.start({ bind: [host.machineAddress] });
    const config = { host: host.machineAddress, port: server.port };
    flier = await Flier.start(CLIENT, config, { prefix: host.prefix });
  });
  afterEach(async () => {
    await flier.kill();
    await server.stop();
    await host.destroy();
  });

  it("runs processes that reach the machine over the link, and nothing else", async () => {
    expect(await flier.call("do", "SET", "key", "value")).toBe("OK");
    const list = String(await server.client().client("LIST"));
    expect(list).toContain(`addr=${host.address}:`);
    const { stdout } = await host.run("ip", "-brief", "link");
    expect(stdout.trim().split("\n")).toHaveLength(2);
    await expect(flier.call("reach", "127.0.0.1", server.port)).rejects.toThrow("ECONNREFUSED");
  });

  it("cuts the host off without a word, and delivers when it heals", async () => {
    await host.drop();
    const written = flier.call("do", "SET", "key", "late");
    const admin = server.client();
    for (let round = 0; round < 20; round++) await admin.ping();
    expect(await admin.exists("key")).toBe(0);
    expect(String(await admin.client("LIST"))).toContain(`addr=${host.address}:`);
    await host.heal();
    expect(await written).toBe("OK");
    expect(await admin.get("key")).toBe("late");
  });

  it("lets a killed process look alive to the server, as when a machine loses its power", async () => {
    await flier.call("do", "SUBSCRIBE", "inbox");
    await host.drop();
    await flier.kill();
    const admin = server.client();
    for (let round = 0; round < 20; round++) await admin.ping();
    expect(await admin.pubsub("NUMSUB", "inbox")).toStrictEqual(["inbox", 1]);
  });

  it("removes namespace and link, also twice", async () => {
    await host.destroy();
    await host.destroy();
    expect(links()).not.toContain(host.name);
    expect(namespaces()).not.toContain(host.name);
  });

  it("lives beside others", async () => {
    await using other = await NetworkHost.create();
    expect(other.address).not.toBe(host.address);
    await other.drop();
    expect(await flier.call("do", "PING")).toBe("PONG");
  });

  it("does not outlive the process that made it", async () => {
    const maker = await Flier.start(new URL("../fliers/host-flier.ts", import.meta.url));
    const name = await maker.call<string>("name");
    expect(namespaces()).toContain(name);
    await maker.kill();
    await waitUntil(() => !namespaces().includes(name) && !links().includes(name));
  });
});

function links(): string[] {
  return readdirSync("/sys/class/net");
}

function namespaces(): string[] {
  return readdirSync("/run/netns");
}
