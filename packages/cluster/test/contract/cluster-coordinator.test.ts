import { RedisCluster } from "@skein/testkit";
import { afterAll, beforeAll } from "vitest";
import { coordinatorContract } from "./coordinator-contract.ts";
import { entryContract } from "./entry-contract.ts";
import { startClusterFleet } from "./redis-contract-fleet.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

coordinatorContract("over a Redis Cluster", () => startClusterFleet(cluster));

coordinatorContract("over a Redis Cluster, for processes with lists", () => startClusterFleet(cluster, "l"));

entryContract("over a Redis Cluster", () => startClusterFleet(cluster));
