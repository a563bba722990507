import { RedisServer, TcpProxy, waitUntil } from "@skein/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { applicationClients, closeAll, GENEROUS_MS, openUp, untilState } from "./links.ts";

const SILENCE_LIMIT_MS = 2_500;

let server: RedisServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await RedisServer.start();
});
beforeEach(async () => {
  proxy = await TcpProxy.start({ targetPort: server.port });
});
afterEach(async () => {
  await closeAll();
  await proxy[Symbol.asyncDispose]();
});
afterAll(() => server.stop());

describe.each(applicationClients)("over %s", (_name, make) => {
  test("a network that swallows everything is noticed in about three seconds, and left when it works again", async () => {
    const client = make(proxy, { lazyConnect: true });
    const received: string[] = [];
    const commands = await openUp(client, { silenceLimitMs: SILENCE_LIMIT_MS });
    const inbox = await openUp(client, {
      silenceLimitMs: SILENCE_LIMIT_MS,
      onReady: async (redis) => {
        await redis.subscribe("news");
      },
    });
    inbox.redis.on("message", (_channel, message) => received.push(message));

    const startedAt = performance.now();
    proxy.swallow();
    const lost = commands.send((redis) => redis.ping(), 60_000).catch((error: unknown) => error);
    await Promise.all([untilState(commands, "down"), untilState(inbox, "down")]);
    expect(await lost).toMatchObject({ kind: "unavailable", sent: true });
    expect(performance.now() - startedAt).toBeLessThan(GENEROUS_MS / 2);

    proxy.pass();
    await Promise.all([untilState(commands, "up"), untilState(inbox, "up")]);
    await server.client().publish("news", "back");
    await waitUntil(() => received.length === 1);
  });
});

test("slow and uneven, but alive: the connection stays", async () => {
  const link = await openUp(proxy.url, { silenceLimitMs: 900 });
  const states: string[] = [];
  link.onStateChange((state) => states.push(state));
  proxy.delay({ ms: 50, jitterMs: 200 });
  const startedAt = performance.now();
  while (performance.now() - startedAt < 3_000) {
    await expect(link.send((redis) => redis.ping(), GENEROUS_MS)).resolves.toBe("PONG");
  }
  expect(states).toEqual([]);
});
