import { RedisServer } from "@skein/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { applicationClients, closeAll, GENEROUS_MS, openUp } from "./links.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterEach(closeAll);
afterAll(() => server.stop());

describe.each(applicationClients)("the application's own client, %s", (_name, make) => {
  test("is neither used nor changed nor closed", async () => {
    const client = make(server, { connectionName: "application", db: 3 });
    await client.set("here", "yes");
    const before = { ...client.options };
    const id = await client.client("ID");

    const link = await openUp(client, {
      connectionName: "skein:shop",
      onReady: async (redis) => {
        await redis.subscribe("news");
      },
    });
    const listeners = client.listenerCount("error");
    await link.close();

    expect({ ...client.options }).toEqual(before);
    expect(client.status).toBe("ready");
    expect(client.listenerCount("error")).toBe(listeners);
    await expect(client.client("ID")).resolves.toBe(id);
    await expect(client.get("here")).resolves.toBe("yes");
  });

  test("lends its address and database, not its habits", async () => {
    const client = make(server, {
      db: 3,
      enableAutoPipelining: true,
      commandTimeout: 1,
      stringNumbers: true,
    });
    const link = await openUp(client, { connectionName: "skein:shop" });
    await expect(link.send((redis) => redis.client("GETNAME"), GENEROUS_MS)).resolves.toBe("skein:shop");
    await expect(link.send((redis) => redis.incr("number"), GENEROUS_MS)).resolves.toBe(1);
    await expect(server.client({ db: 3 }).get("number")).resolves.toBe("1");
    expect(link.redis.options).toMatchObject({
      db: 3,
      enableAutoPipelining: false,
      enableOfflineQueue: false,
    });
    await server.flushAll();
  });

  test("may be lazy, or closed already: ours connects all the same", async () => {
    const lazy = make(server, { lazyConnect: true });
    await openUp(lazy);
    expect(lazy.status).toBe("wait");
    const ended = make(server);
    ended.disconnect();
    await openUp(ended);
  });
});
