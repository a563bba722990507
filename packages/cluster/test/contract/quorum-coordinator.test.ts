import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll } from "vitest";
import { coordinatorContract } from "./coordinator-contract.ts";
import { startQuorumFleet } from "./redis-contract-fleet.ts";

let servers: RedisServer[] = [];

beforeAll(async () => {
  servers = await Promise.all([1, 2, 3].map(() => RedisServer.start()));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

coordinatorContract("over a quorum of three", () => startQuorumFleet(servers), {
  deposes: false,
  outcomesTravel: false,
  servers: 3,
});
