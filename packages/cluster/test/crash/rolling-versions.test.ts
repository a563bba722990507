/** Two builds of different versions, side by side on one Redis, as during a deploy: they isolate, or say what they cannot read. */
import { Flier, RedisServer, waitUntil, type FlierEvent } from "@skein/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { buildWith } from "../fliers/build-with.ts";
import type { Told } from "../fliers/deployment.ts";
import { WAKEUP } from "../wakeup.ts";

const SCRIPT = new URL("../fliers/coalescing-flier.ts", import.meta.url);
const leftovers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const remove of leftovers.splice(0).toReversed()) await remove();
});

/** As `buildWith`, removed with the test. */
async function laterBuild(module: string, before: string, after: string): Promise<string> {
  const build = await buildWith(module, before, after);
  leftovers.push(async () => build[Symbol.asyncDispose]());
  return build.url;
}

async function start(redis: RedisServer, name: string, build?: string): Promise<Flier> {
  const common = { namespace: "test", prefixes: ["k:"], redisTimeoutMs: 10_000, wakeup: WAKEUP };
  const options = { redis: redis.url, ...common };
  const env = build === undefined ? {} : { SKEIN_TEST_BUILD: build };
  const flier = await Flier.start(SCRIPT, { name, options }, { env });
  leftovers.push(() => flier.kill());
  return flier;
}

async function startRedis(): Promise<RedisServer> {
  const redis = await RedisServer.start();
  leftovers.push(() => redis.stop());
  return redis;
}

function eventsOf(flier: Flier, type: string): FlierEvent[] {
  return flier.events
    .map(({ event }) => event as FlierEvent | undefined)
    .filter((event) => event?.type === type) as FlierEvent[];
}

async function begin(flier: Flier, how: "lead" | "follow", plan: object): Promise<{ answer: Promise<Told> }> {
  const answer = flier.call<Told>("call", "k:1", plan);
  answer.catch(() => undefined);
  await waitUntil(() => eventsOf(flier, how).length > 0, { what: how, timeoutMs: 20_000 });
  return { answer };
}

describe("two protocol versions on one Redis", () => {
  it("each coalesce among their own, and never hear of each other", async () => {
    const redis = await startRedis();
    const later = await laterBuild("flight-keys.js", "PROTOCOL_VERSION = 1", "PROTOCOL_VERSION = 2");
    const fleet = await Promise.all([
      start(redis, "old-1"),
      start(redis, "old-2"),
      start(redis, "new-1", later),
      start(redis, "new-2", later),
    ]);
    const [old1, old2, new1, new2] = fleet;
    const plan = { held: true };
    const answers = [
      await begin(old1, "lead", plan),
      await begin(new1, "lead", plan),
      await begin(old2, "follow", plan),
      await begin(new2, "follow", plan),
    ].map(({ answer }) => answer);
    const keys = await redis.client().keys("*");
    expect(new Set(keys.map((key) => key.split(":")[0]))).toEqual(new Set(["skein1", "skein2"]));

    await Promise.all([old1, new1].map((leader) => leader.call("release")));
    const told = await Promise.all(answers);
    expect(told.map(({ value, role }) => [value, role])).toEqual([
      ["by old-1", "leader"],
      ["by new-1", "leader"],
      ["by old-1", "follower"],
      ["by new-1", "follower"],
    ]);
    for (const flier of fleet) expect(eventsOf(flier, "rejected")).toEqual([]);
  });
});

describe("two versions of the envelope on one protocol", () => {
  for (const [who, writer] of [
    ["an older process", "new"],
    ["a later process", "old"],
  ] as const) {
    it(`${who} says that it cannot read the outcome, and runs the work itself`, async () => {
      const redis = await startRedis();
      const later = await laterBuild("envelope.js", 'VERSION = "1"', 'VERSION = "2"');
      const [leader, follower] = await Promise.all([
        start(redis, "leader", writer === "new" ? later : undefined),
        start(redis, "follower", writer === "old" ? later : undefined),
      ]);
      const led = await begin(leader, "lead", { held: true });
      const followed = await begin(follower, "follow", {});
      await leader.call("release");
      expect(await led.answer).toMatchObject({ value: "by leader", role: "leader" });
      expect(await followed.answer).toMatchObject({
        value: "by follower",
        role: "local",
        fallbackReason: "unshareable",
      });
      expect(new Set(eventsOf(follower, "rejected").map(({ why }) => why))).toEqual(new Set(["version"]));
    });
  }
});
