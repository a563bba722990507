import { describe, expect, it } from "vitest";
import { redisOf } from "./flights.ts";
import { readConfig } from "./service-config.ts";

const SENTINELS = { REDIS_SENTINELS: "sentinel-1:26380,sentinel-2" };
const NODES = { REDIS_CLUSTER_NODES: "node-1:6379,node-2:6379" };

function redisFor(REDIS_URL: string, environment: NodeJS.ProcessEnv = {}): unknown {
  return redisOf(readConfig({ POSTGRES_URL: "postgres://postgres/skein", REDIS_URL, ...environment }));
}

describe("the Redis of the service", () => {
  it("is the one of REDIS_URL where nothing else is named", () => {
    expect(redisFor("rediss://user:a%2Fb@redis/2")).toBe("rediss://user:a%2Fb@redis/2");
  });

  it("is reached through Sentinels with the user, password, database and TLS of REDIS_URL", () => {
    expect(redisFor("rediss://user:a%2Fb@redis/2", SENTINELS)).toEqual({
      sentinels: [
        { host: "sentinel-1", port: 26_380 },
        { host: "sentinel-2", port: 26_379 },
      ],
      name: "skein",
      username: "user",
      password: "a/b",
      db: 2,
      tls: expect.anything() as unknown,
      enableTLSForSentinelMode: true,
    });
  });

  it("is a cluster with the user, password and TLS of REDIS_URL for every node", () => {
    expect(redisFor("rediss://user:a%2Fb@redis/2", NODES)).toEqual({
      cluster: ["node-1:6379", "node-2:6379"],
      username: "user",
      password: "a/b",
      tls: expect.anything() as unknown,
    });
  });

  it("is asked for no password and no TLS where REDIS_URL has none", () => {
    expect(redisFor("redis://redis", NODES)).toEqual({ cluster: ["node-1:6379", "node-2:6379"] });
    expect(redisFor("redis://:only-password@redis", SENTINELS)).not.toHaveProperty("username");
    expect(redisFor("redis://:only-password@redis", SENTINELS)).not.toHaveProperty("tls");
    expect(redisFor("redis://:only-password@redis", SENTINELS)).toMatchObject({
      password: "only-password",
      db: 0,
    });
  });
});
