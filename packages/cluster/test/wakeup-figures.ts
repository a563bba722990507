/**
 * Prints what waking by lists costs beside waking by pub/sub, as ratios in one run: rounds of both kinds take turns on
 * servers of their own, so that the machine treats both alike. Run with `pnpm --filter @skein/cluster figures:wakeup`.
 */
import { ClusterSingleflight, type ClusterOptions } from "@skein/cluster";
import { CommandTap, parseCommandStats, RedisServer, waitUntil } from "@skein/testkit";
import { Deployment } from "./fliers/deployment.ts";

const write = (line: string): void => void process.stdout.write(`${line}\n`);

const ROUNDS = 200;
const DEATHS = 3;
const KINDS = ["pubsub", "list"] as const;
type Kind = (typeof KINDS)[number];

interface Fleet {
  readonly redis: RedisServer;
  readonly flights: readonly ClusterSingleflight[];
  readonly followers: () => number;
}

for (const followers of [1, 10, 50]) await wakeUps(followers);
await commands(3);
await deaths();

async function start(wakeup: Kind, processes: number): Promise<Fleet> {
  const redis = await RedisServer.start();
  let following = 0;
  const observer = { onEvent: ({ type }: { type: string }) => void (following += Number(type === "follow")) };
  const options: ClusterOptions = {
    redis: redis.url,
    prefixes: ["k:"],
    redisTimeoutMs: 10_000,
    wakeup,
    observer,
  };
  const flights = Array.from({ length: processes }, () => new ClusterSingleflight(options));
  await Promise.all(flights.map((instance) => instance.ready()));
  return { redis, flights, followers: () => following };
}

async function stop({ redis, flights }: Fleet): Promise<void> {
  await Promise.all(flights.map((instance) => instance.close({ drainMs: 0 })));
  await redis.stop();
}

/** One flight that everybody takes part in; how long after its work the last of them was answered. */
async function fly({ flights, followers }: Fleet, key: string): Promise<number> {
  const outcome = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const before = followers();
  const led = flights[0]?.do(key, () => {
    begun.resolve();
    return outcome.promise;
  });
  await begun.promise;
  const answers = flights.slice(1).map((instance) => instance.do(key, () => "own"));
  await waitUntil(() => followers() === before + answers.length, { what: "the followers", everyMs: 1 });
  const endedAt = performance.now();
  outcome.resolve("x".repeat(1_000));
  await Promise.all([led, ...answers]);
  return performance.now() - endedAt;
}

async function wakeUps(followers: number): Promise<void> {
  const fleets = { pubsub: await start("pubsub", followers + 1), list: await start("list", followers + 1) };
  const tookMs: Record<Kind, number[]> = { pubsub: [], list: [] };
  for (const kind of KINDS) await fly(fleets[kind], "k:warm");
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of KINDS) tookMs[kind].push(await fly(fleets[kind], `k:${round}`));
  }
  const rows = [0.5, 0.99].map((share) => {
    const [pubsub, list] = [at(tookMs.pubsub, share), at(tookMs.list, share)];
    return `${share === 0.5 ? "median" : "p99"} ${pubsub.toFixed(2)} and ${list.toFixed(2)} ms, ratio ${ratio(list, pubsub)}`;
  });
  write(
    `1 KB outcome, ${followers} followers: the last is answered after, pubsub and list: ${rows.join("; ")}`,
  );
  await Promise.all(KINDS.map((kind) => stop(fleets[kind])));
}

async function commands(followers: number): Promise<void> {
  const sent: Record<Kind, number> = { pubsub: 0, list: 0 };
  const serverUs: Record<Kind, number> = { pubsub: 0, list: 0 };
  for (const kind of KINDS) {
    const fleet = await start(kind, followers + 1);
    const admin = fleet.redis.client();
    const spent = async (): Promise<number> => {
      const stats = parseCommandStats(await admin.info("commandstats"));
      const outer = ["evalsha", "eval", "brpop", "rpop"];
      return outer.reduce((sum, name) => sum + (stats[name]?.usec ?? 0), 0);
    };
    await fly(fleet, "k:warm");
    const before = await spent();
    for (let round = 0; round < ROUNDS; round++) await fly(fleet, `k:timed-${round}`);
    serverUs[kind] = ((await spent()) - before) / ROUNDS;
    {
      await using tap = await CommandTap.open(fleet.redis);
      for (let round = 0; round < ROUNDS; round++) await fly(fleet, `k:counted-${round}`);
      await tap.flush();
      const { byName } = tap.count();
      const own = ["EVALSHA", "EVAL", "BRPOP", "RPOP"].map(
        (name) => byName[name] ?? byName[name.toLowerCase()] ?? 0,
      );
      sent[kind] = own.reduce((sum, count) => sum + count, 0) / ROUNDS;
    }
    await stop(fleet);
  }
  write(
    `one flight, ${followers} followers: commands that clients send, pubsub and list: ` +
      `${sent.pubsub.toFixed(1)} and ${sent.list.toFixed(1)}, ratio ${ratio(sent.list, sent.pubsub)}`,
  );
  write(
    `  server time: ${serverUs.pubsub.toFixed(0)} and ${serverUs.list.toFixed(0)} us, ` +
      `ratio ${ratio(serverUs.list, serverUs.pubsub)}`,
  );
}

/** How soon the work of a killed leader is started again, at the default lease of 5 s. */
async function deaths(): Promise<void> {
  const tookMs: Record<Kind, number[]> = { pubsub: [], list: [] };
  for (let round = 0; round < DEATHS; round++) {
    for (const wakeup of KINDS) {
      await using fleet = await Deployment.start(3, { wakeup });
      await fleet.lead(0, "k:1", { workMs: 60_000 });
      const followed = await Promise.all([1, 2].map((index) => fleet.follow(index, "k:1", { workMs: 1 })));
      const killedAt = performance.now();
      await fleet.flier(0).kill("SIGKILL");
      await Promise.race(
        [1, 2].map((index) => fleet.flier(index).waitFor(({ type }) => type === "work-started")),
      );
      tookMs[wakeup].push(performance.now() - killedAt);
      await Promise.all(followed.map(({ answer }) => answer));
    }
  }
  const [pubsub, list] = [at(tookMs.pubsub, 0.5), at(tookMs.list, 0.5)];
  write(
    `SIGKILL of the leader, lease of 5 s: its successor starts after, pubsub and list: ` +
      `${pubsub.toFixed(0)} and ${list.toFixed(0)} ms, ratio ${ratio(list, pubsub)}`,
  );
}

function at(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}

function ratio(of: number, to: number): string {
  return (of / to).toFixed(2);
}
