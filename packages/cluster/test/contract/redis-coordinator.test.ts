import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll } from "vitest";
import { coordinatorContract } from "./coordinator-contract.ts";
import { startRedisFleet } from "./redis-contract-fleet.ts";

let server: RedisServer;
let flushing: NodeJS.Timeout | undefined;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  clearInterval(flushing);
  await server.stop();
});

coordinatorContract("over one Redis", () => startRedisFleet(server));

coordinatorContract("over one Redis, for processes with lists", () => startRedisFleet(server, "l"));

coordinatorContract("over a Redis that keeps forgetting its scripts", async () => {
  const control = server.client();
  flushing = setInterval(() => void control.script("FLUSH").catch(() => undefined), 3);
  return startRedisFleet(server);
});
