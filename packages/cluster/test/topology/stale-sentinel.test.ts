/** A Sentinel that was cut off from the others goes on naming a server that is a replica by now. */
import { ClusterSingleflight } from "@skein/cluster";
import { RedisServer, SentinelProcess, startReplica, waitUntil } from "@skein/testkit";
import { expect, test } from "vitest";

/** More than there are, so that this one alone never sets up another primary. */
const OUT_OF_REACH = 3;

test("nothing is asked of a replica that a Sentinel takes for the primary, until it knows better", async () => {
  await using primary = await RedisServer.start();
  await using replica = await startReplica(primary);
  const monitor = (server: RedisServer): string => `flock ${server.host} ${server.port} ${OUT_OF_REACH}`;
  await using sentinel = await SentinelProcess.start({
    config: [`sentinel monitor ${monitor(replica)}`, "sentinel down-after-milliseconds flock 60000"],
  });
  const redis = { name: "flock", sentinels: [{ host: sentinel.host, port: sentinel.port }] };
  await using flights = new ClusterSingleflight({ redis, namespace: "stale", prefixes: ["k:"] });
  await waitUntil(async () => ((await replica.commandStats())["info"]?.calls ?? 0) > 1, {
    what: "the process to look at the replica",
  });
  expect(await flights.fly("k:1", () => "own")).toMatchObject({
    value: "own",
    role: "local",
    fallbackReason: "unavailable",
  });
  expect((await replica.commandStats())["evalsha"]).toBeUndefined();

  await sentinel.ask("SENTINEL", "REMOVE", "flock");
  await sentinel.ask("SENTINEL", "MONITOR", ...monitor(primary).split(" "));
  await waitUntil(async () => (await flights.fly("k:1", () => "led")).role === "leader", {
    timeoutMs: 30_000,
    what: "the process to be led to the primary",
  });
  expect((await primary.commandStats())["evalsha"]?.calls).toBeGreaterThan(0);
});
