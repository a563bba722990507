import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandTap } from "../src/command-tap.ts";
import { RedisServer } from "../src/redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start({ password: "secret word" });
});
afterAll(() => server.stop());

describe("CommandTap", () => {
  it("counts what clients send, apart from what their scripts call", async () => {
    const client = server.client();
    await client.ping();
    const tap = await CommandTap.open(server);
    await client.set("key", "value");
    await client.eval("redis.call('GET', KEYS[1]); return redis.call('GET', KEYS[1])", 1, "key");
    await tap.close();
    expect(tap.count()).toMatchObject({ total: 2, byName: { set: 1, eval: 1 } });
    expect(tap.commands.filter(({ source }) => source === "script")).toHaveLength(2);
    expect(tap.commands.find(({ name }) => name === "set")).toMatchObject({
      args: ["key", "value"],
      source: "client",
    });
  });

  it("counts per connection, and by what one asks for", async () => {
    const [one, two] = [server.client(), server.client()];
    await Promise.all([one.ping(), two.ping()]);
    await using tap = await CommandTap.open(server);
    await Promise.all([one.get("a"), one.get("b"), two.get("a")]);
    await tap.flush();
    expect(Object.values(tap.count().byClient).toSorted((a, b) => a - b)).toStrictEqual([1, 2]);
    expect(tap.count(({ args }) => args[0] === "a").total).toBe(2);
  });

  it("has heard every command before it is flushed, and none of its own", async () => {
    const client = server.client();
    await client.ping();
    const tap = await CommandTap.open(server);
    for (let round = 1; round <= 20; round++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => client.set(`key${index}`, "x".repeat(1_000))),
      );
      await tap.flush();
      expect(tap.count()).toMatchObject({ total: round * 50, byName: { set: round * 50 } });
    }
    await tap.close();
    await client.ping();
    expect(tap.count().total).toBe(1_000);
  });

  it("counts a pipeline command by command, and a blocking one once", async () => {
    const [client, other] = [server.client(), server.client()];
    await Promise.all([client.ping(), other.ping()]);
    const tap = await CommandTap.open(server);
    await client.pipeline().set("a", "1").get("a").exec();
    const popped = client.brpop("list", 0);
    await other.lpush("list", "element");
    await popped;
    await tap.close();
    expect(tap.count().byName).toStrictEqual({ set: 1, get: 1, brpop: 1, lpush: 1 });
  });

  it("is told when the password is wrong", async () => {
    await expect(CommandTap.open({ url: server.url.replace("secret", "public") })).rejects.toThrow(
      "WRONGPASS",
    );
  });

  it("fails rather than counts too little when its server dies", async () => {
    await using dying = await RedisServer.start();
    const tap = await CommandTap.open(dying);
    await dying.kill();
    await expect(tap.flush()).rejects.toThrow();
  });
});
