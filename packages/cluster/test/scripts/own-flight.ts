/** Gives each test of a suite a flight of its own, on a Redis of the suite's own to which every script is new. */
import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { RawScripts } from "./raw-scripts.ts";

export function beforeEachOwnFlight(
  name: string,
  take: (flight: RawScripts, server: RedisServer) => void,
): void {
  let server: RedisServer;
  let count = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  let redis: ReturnType<RedisServer["client"]> | undefined;
  beforeEach(async () => {
    redis ??= server.client();
    await redis.script("FLUSH");
    take(new RawScripts(redis, `${name} ${++count}`), server);
  });
  afterAll(() => server.stop());
}
