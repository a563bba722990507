import { describe, expect, it } from "vitest";
import { promote, startReplica } from "../src/redis-replica.ts";
import { RedisServer } from "../src/redis-server.ts";
import { TcpProxy } from "../src/tcp-proxy.ts";
import { waitUntil } from "../src/wait-until.ts";

describe("a replica", () => {
  it("has the primary's data, follows it and refuses to write", async () => {
    await using primary = await RedisServer.start({ password: "secret" });
    await primary.client().set("before", "1");
    await using replica = await startReplica(primary, { primaryPassword: "secret" });
    const client = replica.client();
    expect(await client.get("before")).toBe("1");
    await primary.client().set("after", "2");
    await waitUntil(async () => (await client.get("after")) === "2");
    await expect(client.set("key", "value")).rejects.toThrow("READONLY");
  });

  it("is promoted without what it had not heard", async () => {
    await using primary = await RedisServer.start();
    await using link = await TcpProxy.start({ targetPort: primary.port });
    await using replica = await startReplica(link);
    await primary.client().set("heard", "1");
    await waitUntil(() => replica.client().get("heard"));
    link.swallow();
    await primary.client().set("unheard", "2");
    await promote(replica);
    expect(await replica.client().mget("heard", "unheard")).toStrictEqual(["1", null]);
    expect(await replica.client().set("key", "value")).toBe("OK");
  });
});
