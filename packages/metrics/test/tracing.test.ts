/** Spans of a fleet: what a leader and its followers in other processes have in common. */
import { createCache } from "@skein/cache";
import { ClusterSingleflight } from "@skein/cluster";
import { RedisServer, waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Collected, followPromises } from "./collected.ts";

let undo: () => void;
beforeAll(() => {
  undo = followPromises();
});
afterAll(() => undo());

test("a follower's span is linked to the leader's execution in the other process, and names the same flight", async () => {
  await using redis = await RedisServer.start();
  const processes = [new Collected(), new Collected()] as const;
  let follows = 0;
  const counting = {
    onEvent: ({ type }: { type: string }): void => {
      if (type === "follow") follows++;
    },
  };
  const [leader, follower] = processes.map(
    ({ observer }) =>
      new ClusterSingleflight({
        redis: redis.url,
        namespace: "tracing",
        prefixes: ["k:"],
        observer: [observer, counting],
      }),
  ) as [ClusterSingleflight, ClusterSingleflight];
  await Promise.all([leader.ready(), follower.ready()]);
  const { promise, resolve } = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const led = processes[0].tracerProvider.getTracer("service").startActiveSpan("request", async (span) => {
    const value = await leader.do("k:1", () => {
      begun.resolve();
      return promise;
    });
    span.end();
    return value;
  });
  await begun.promise;
  const followed = follower.do("k:1", () => "own");
  await waitUntil(() => follows > 0, { what: "a follower" });
  resolve("value");
  expect([await led, await followed]).toEqual(["value", "value"]);
  const [execution] = processes[0].spans("singleflight execution");
  const [request] = processes[0].spans("request");
  const [own] = processes[0].spans("singleflight call");
  const [foreign] = processes[1].spans("singleflight call");
  expect(execution?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(own?.links.map(({ context }) => context.spanId)).toEqual([execution?.spanContext().spanId]);
  expect(processes[1].spans("singleflight execution")).toEqual([]);
  expect(foreign?.attributes).toMatchObject({
    "singleflight.role": "follower",
    "singleflight.flight_id": execution?.attributes["singleflight.flight_id"],
  });
  expect(foreign?.links.map(({ context }) => context)).toEqual([
    { ...execution?.spanContext(), traceState: undefined, isRemote: true },
  ]);
  await Promise.all([leader.close(), follower.close()]);
});

test("a hit in one process is linked to the execution in another that made the entry; what was set by hand to none", async () => {
  await using redis = await RedisServer.start();
  const processes = [new Collected(), new Collected()] as const;
  let written = 0;
  const counting = { onEvent: ({ type }: { type: string }) => void (type === "written" && written++) };
  const flights = processes.map(
    ({ observer }) => new ClusterSingleflight({ redis: redis.url, prefixes: ["k:"], observer }),
  );
  await Promise.all(flights.map((each) => each.ready()));
  const [loading, hitting] = flights.map((each) =>
    createCache({ flights: each, ttlMs: 60_000, observer: counting }),
  );
  expect(await loading?.get("k:1", () => "loaded")).toBe("loaded");
  expect(await loading?.set("k:2", "set")).toBe(true);
  await waitUntil(() => written === 2, { what: "two entries" });
  expect(await hitting?.get("k:1", () => "own")).toBe("loaded");
  expect(await hitting?.get("k:2", () => "own")).toBe("set");
  const [execution] = processes[0].spans("singleflight execution");
  const links = processes[1]
    .spans("singleflight call")
    .map((span) => span.links.map(({ context }) => context.spanId));
  expect(links).toEqual([[execution?.spanContext().spanId], []]);
  expect(processes[1].spans("singleflight execution")).toEqual([]);
  await Promise.all(flights.map((each) => each.close()));
});
