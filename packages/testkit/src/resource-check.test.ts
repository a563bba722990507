import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { watchResources } from "./resource-check.ts";

const forever = ["-e", "setInterval(() => undefined, 1_000)"];

describe("watchResources", () => {
  it("is content when everything has ended", async () => {
    const watch = watchResources();
    const timer = setTimeout(() => undefined, 60_000);
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    clearTimeout(timer);
    server.close();
    await watch.expectNothingLeaked();
  });

  it("waits for what is about to end", async () => {
    const watch = watchResources();
    setTimeout(() => undefined, 50);
    await watch.expectNothingLeaked();
  });

  it("names a timer that was left, and where it was set", async () => {
    const watch = watchResources();
    const timer = setTimeout(() => undefined, 60_000);
    const error = await watch.expectNothingLeaked().catch(String);
    clearTimeout(timer);
    expect(error).toMatch(/left something running:\nTimeout made at .*resource-check\.test\.ts/);
  });

  it("finds sockets, servers and child processes", async () => {
    const watch = watchResources();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
    await once(socket, "connect");
    const child = spawn(process.execPath, forever, { stdio: "ignore" });
    const error = await watch.expectNothingLeaked().catch(String);
    child.kill("SIGKILL");
    await once(child, "exit");
    socket.destroy();
    server.close();
    expect(error).toContain("TCPServerWrap made");
    expect(error).toMatch(/TCPSocketWrap made at .*resource-check/);
    expect(error).toMatch(/ProcessWrap made at .*resource-check/);
  });

  it("does not mind what was there before, nor what keeps nothing alive", async () => {
    const before = setTimeout(() => undefined, 60_000);
    const watch = watchResources();
    const unrefd = setInterval(() => undefined, 1_000).unref();
    await watch.expectNothingLeaked();
    clearTimeout(before);
    clearInterval(unrefd);
  });
});
