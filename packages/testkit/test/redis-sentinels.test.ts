import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { RedisSentinels } from "../src/redis-sentinels.ts";

it("leads a client to the primary, and to its successor when it is killed", async () => {
  await using flock = await RedisSentinels.start();
  const [primary, replica] = flock.servers;
  expect(await flock.primary()).toBe(primary);
  const client = new Redis(flock.options);
  client.on("error", () => undefined);
  await client.set("key", "1");
  await primary!.kill();
  expect(await flock.failedOverFrom(primary!)).toBe(replica);
  expect(await client.get("key")).toBe("1");
  client.disconnect();
});

it("keeps what a killed Sentinel knew", async () => {
  await using flock = await RedisSentinels.start({ sentinels: 1 });
  await flock.sentinels[0]!.restart();
  expect(await flock.primary()).toBe(flock.servers[0]);
});
