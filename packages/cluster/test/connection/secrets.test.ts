import { RedisServer, waitUntil } from "@skein/testkit";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ScriptRunner } from "../../src/redis/script-runner.ts";
import { applicationClients, closeAll, GENEROUS_MS, openLink, openUp } from "./links.ts";

const PASSWORD = "canary-password";
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start({ password: PASSWORD });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.resume();
  await closeAll();
});
afterAll(() => server.stop());

test("no failure shows a key, an argument or a password, and nothing is written to the console", async () => {
  const written = [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(console, "log")];
  const link = await openUp(server.url);
  const errors: unknown[] = [];
  const collect = (promise: Promise<unknown>): Promise<unknown> =>
    promise.catch((error: unknown) => errors.push(error));

  await collect(link.send((redis) => redis.call("canary-command", "canary-value"), GENEROUS_MS));
  await collect(link.send((redis) => redis.eval("return redis.error_reply('canary-reply')", 0), GENEROUS_MS));
  await collect(link.send(() => Promise.reject(new Error("canary-error")), GENEROUS_MS));
  await collect(
    link.send(() => {
      throw new Error("canary-throw");
    }, GENEROUS_MS),
  );
  await server.pause();
  await collect(link.send((redis) => redis.set("canary-key", "canary-value"), 50));
  const cut = collect(link.send((redis) => redis.set("canary-key", "canary-value"), 60_000));
  link.reconnect();
  await cut;
  await collect(link.send((redis) => redis.set("canary-key", "canary-value"), 50));

  expect(errors).toHaveLength(7);
  for (const error of errors) {
    expect(error).toMatchObject({ name: "CommandFailure" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  }
  for (const spy of written) expect(spy).not.toHaveBeenCalled();
});

test.each(applicationClients)(
  "whoever traces the commands of %s sees nothing of ours",
  async (_name, make) => {
    const traced: string[] = [];
    const listener = (message: unknown): void => {
      traced.push(inspect(message, { depth: 9 }));
    };
    const channels = ["start", "end", "asyncStart", "asyncEnd", "error"].map(
      (event) => `tracing:ioredis:command:${event}`,
    );
    for (const channel of channels) subscribe(channel, listener);
    try {
      const client = make(server);
      await client.get("application-key");
      const link = await openUp(client);
      const runner = new ScriptRunner(link);
      const script = { name: "echo", text: "return ARGV[1]", sha1: "0".repeat(40), keyCount: 1 };
      await runner.run(script, ["canary-key"], ["canary-value"], GENEROUS_MS);
      await runner.runBatch([{ script, keys: ["canary-key"], args: ["canary-value"] }], GENEROUS_MS);
      await link.send((redis) => redis.get("canary-key"), GENEROUS_MS);
    } finally {
      for (const channel of channels) unsubscribe(channel, listener);
    }
    expect(traced.join()).toContain("application-key");
    expect(traced.join()).not.toContain("canary");
  },
);

test("a missing password is a reason for being down", async () => {
  const link = openLink(`redis://${server.host}:${server.port}`);
  await waitUntil(() => link.trouble === "NOAUTH");
  expect(link.state).toBe("down");
});

test("a wrong password is a reason for being down, and not shown", async () => {
  const written = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const link = openLink(`redis://:canary-wrong@${server.host}:${server.port}`);
  await waitUntil(() => link.trouble === "WRONGPASS");
  expect(link.state).toBe("down");
  for (const spy of written) expect(spy).not.toHaveBeenCalled();
});
