/** Callers that attach after an outcome was settled, in a process that has not heard of it yet. */
import { AsyncLocalStorage } from "node:async_hooks";
import { RedisServer, waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent, type PrefixOptions } from "@skein/cluster";
import { expect, it } from "vitest";
import { HeldWork } from "./fleet-of-instances.ts";

/** By then an outcome settled before is older than any reply takes. */
const LATER_MS = 500;

/** A leader and a follower whose Redis user may no longer publish: no wake-up arrives, and the follower finds out by poll. */
async function withoutWakeUps(policy: PrefixOptions) {
  const redis = await RedisServer.start();
  const admin = redis.client();
  await admin.acl("SETUSER", "quiet", "reset", "on", ">secret", "~*", "&*", "+@all");
  const events: ClusterEvent[] = [];
  const open = (): ClusterSingleflight =>
    new ClusterSingleflight({
      redis: { host: redis.host, port: redis.port, username: "quiet", password: "secret" },
      redisTimeoutMs: 10_000,
      pollEveryMs: 3_000,
      prefixes: { "k:": policy },
      observer: { onEvent: (event) => void events.push(event) },
    });
  const [leader, follower] = [open(), open()];
  await Promise.all([leader.ready(), follower.ready()]);
  // Only now: without the right at start nothing would be coordinated.
  await admin.acl("SETUSER", "quiet", "-publish");
  const until = (type: ClusterEvent["type"]): Promise<unknown> =>
    waitUntil(() => events.some((event) => event.type === type), { what: type });
  return {
    leader,
    follower,
    until,
    /** Resolves when whoever calls from now on is late for what is settled. */
    settled: async () => {
      await until("settle-accepted");
      const later = performance.now() + LATER_MS;
      await waitUntil(() => performance.now() > later, { what: "some time after the settlement" });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([leader.close({ drainMs: 0 }), follower.close({ drainMs: 0 })]);
      await redis.stop();
    },
  };
}

it("start the next flight, and its work runs in the asynchronous context of the one that brought it", async () => {
  await using fleet = await withoutWakeUps({});
  const request = new AsyncLocalStorage<string>();
  const work = new HeldWork<string>();
  const led = fleet.leader.do("k:1", work.run);
  await work.begun;
  const early = request.run("early", () => fleet.follower.do("k:1", () => "unused"));
  await fleet.until("follow");
  work.end("old");
  await led;
  await fleet.settled();
  const late = request.run("late", () =>
    fleet.follower.do("k:1", async () => `new, asked for by ${request.getStore()}`),
  );
  expect(await Promise.all([early, late])).toEqual(["old", "new, asked for by late"]);
});

it("get no error that was settled before they called, however fresh values may be", async () => {
  await using fleet = await withoutWakeUps({ freshMs: 5_000 });
  const work = new HeldWork<string>();
  const led = fleet.leader.do("k:1", work.run);
  await work.begun;
  const early = fleet.follower.do("k:1", () => "unused");
  await fleet.until("follow");
  work.fail(new Error("broken"));
  await expect(led).rejects.toThrow("broken");
  await fleet.settled();
  const late = fleet.follower.do("k:1", () => "new");
  await expect(early).rejects.toThrow("broken");
  expect(await late).toBe("new");
});
