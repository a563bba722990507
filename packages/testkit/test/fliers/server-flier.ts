/** A child that starts a server and does not clean up. Run as a child; never imported. */
import { serveFlier } from "../../src/flier-child.ts";
import { RedisServer } from "../../src/redis-server.ts";

await serveFlier(async () => {
  const server = await RedisServer.start();
  return { pid: () => server.pid };
});
