/** A child with a Redis client that patiently waits. Run as a child; never imported. */
import { once } from "node:events";
import { connect } from "node:net";
import { Redis } from "ioredis";
import { serveFlier } from "../../src/flier-child.ts";

await serveFlier<{ host: string; port: number }>(async ({ host, port }) => {
  const redis = new Redis({ host, port, maxRetriesPerRequest: null });
  redis.on("error", () => undefined);
  await redis.ping();
  return {
    do: (command: string, ...args: string[]) => redis.call(command, ...args),
    reach: async (...[address, at]: [string, number]) => {
      const socket = connect(at, address);
      await once(socket, "connect");
      socket.destroy();
    },
  };
});
