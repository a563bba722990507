import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll } from "vitest";
import { applicationClients } from "../connection/links.ts";
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

/** Replies of the two protocols differ in shape, and so do the versions of the client. The URL gives ioredis 6 and RESP3. */
for (const [name, make] of applicationClients.slice(1)) {
  coordinatorContract(`over one Redis, like a client of ${name}`, async () => {
    const client = make(server, { lazyConnect: true });
    return startRedisFleet(server, "p", client);
  });
}

coordinatorContract("over a Redis that keeps forgetting its scripts", async () => {
  const control = server.client();
  flushing = setInterval(() => void control.script("FLUSH").catch(() => undefined), 3);
  return startRedisFleet(server);
});
