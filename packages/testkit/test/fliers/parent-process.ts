/** For the tests of the lifeline: starts a server and a flier, tells their ids, and waits to be killed. Never imported. */
import { Flier } from "../../src/flier.ts";
import { serveFlier } from "../../src/flier-child.ts";
import { RedisServer } from "../../src/redis-server.ts";

await serveFlier(async () => {
  const redis = await RedisServer.start();
  const child = await Flier.start(new URL("obedient-flier.ts", import.meta.url));
  const [, directory] = await redis.client().config("GET", "dir");
  return {
    family: () => ({ pids: [redis.pid, child.pid], directory }),
    pauseAll: async () => {
      await redis.pause();
      child.pause();
    },
    killAll: async () => {
      await redis.kill();
      await child.kill();
    },
    exit: () => process.exit(0),
    throwUp: () => {
      setImmediate(() => {
        throw new Error("uncaught");
      });
    },
  };
});
