/**
 * Prints what each way of coordinating costs beside the default (one Redis, pub/sub, unsigned), as ratios in one run: the
 * kinds take turns, so that the machine treats all alike. Run with `pnpm --filter @skein/cluster figures:overhead`.
 */
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import { CommandTap, RedisCluster, RedisServer, waitUntil } from "@skein/testkit";

const ROUNDS = 300;
const WARM_UP_ROUNDS = 30;
const COUNTED_ROUNDS = 20;
/** Heartbeats, samples, popping and what the nodes of a cluster ask each other. */
const IDLE: ReadonlySet<string> = new Set(["PING", "PUBSUB", "BRPOP", "RPOP", "CLUSTER", "ECHO"]);
const VALUE = "x".repeat(1_000);

interface Kind {
  readonly name: string;
  readonly members: readonly [ClusterSingleflight, ClusterSingleflight];
  readonly counts: { follow: number; settled: number };
  readonly servers: readonly RedisServer[];
  readonly ledMs: number[];
  readonly wokenMs: number[];
  commands: number;
}

const stops: (() => Promise<unknown>)[] = [];

async function open(
  name: string,
  servers: readonly RedisServer[],
  redis: ClusterOptions["redis"],
  more: Partial<ClusterOptions> = {},
): Promise<Kind> {
  const counts = { follow: 0, settled: 0 };
  const onEvent = ({ type }: ClusterEvent): void => {
    if (type === "follow") counts.follow++;
    if (type === "settle-accepted") counts.settled++;
  };
  const member = (): ClusterSingleflight =>
    new ClusterSingleflight({
      redis,
      prefixes: ["k:"],
      redisTimeoutMs: 10_000,
      pollEveryMs: 60_000,
      observer: { onEvent },
      ...more,
    });
  const members = [member(), member()] as const;
  stops.push(() => Promise.all(members.map((each) => each.close({ drainMs: 0 }))));
  await Promise.all(members.map((each) => each.ready()));
  return { name, members, counts, servers, ledMs: [], wokenMs: [], commands: 0 };
}

/** A flight that nobody follows: how long until its caller is answered, join included. */
async function lead({ members: [leader], counts }: Kind, key: string): Promise<number> {
  const before = counts.settled;
  const began = performance.now();
  await leader.do(key, () => VALUE);
  const tookMs = performance.now() - began;
  await waitUntil(() => counts.settled > before, { what: "the settlement", everyMs: 1 });
  return tookMs;
}

/** A flight with a follower: how long after the end of the work the follower's caller is answered. */
async function wake({ members: [leader, follower], counts }: Kind, key: string): Promise<number> {
  const outcome = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const [follows, settled] = [counts.follow, counts.settled];
  const led = leader.do(key, () => {
    begun.resolve();
    return outcome.promise;
  });
  await begun.promise;
  const followed = follower.do(key, () => "own");
  await waitUntil(() => counts.follow > follows, { what: "the follower", everyMs: 1 });
  const endedAt = performance.now();
  outcome.resolve(VALUE);
  await followed;
  const tookMs = performance.now() - endedAt;
  await led;
  await waitUntil(() => counts.settled > settled, { what: "the settlement", everyMs: 1 });
  return tookMs;
}

async function play(kinds: readonly Kind[], rounds: number, name: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      kind.ledMs.push(await lead(kind, `k:led:${name}:${round}`));
      kind.wokenMs.push(await wake(kind, `k:woken:${name}:${round}`));
    }
  }
}

/** What clients send for one flight with one follower, all servers together; what they send while quiet left out. */
async function countCommands(kind: Kind): Promise<void> {
  const taps = await Promise.all(kind.servers.map((server) => CommandTap.open(server)));
  for (let round = 0; round < COUNTED_ROUNDS; round++) await wake(kind, `k:counted:${round}`);
  let sent = 0;
  for (const tap of taps) {
    await tap.close();
    sent += tap.count(({ name }) => !IDLE.has(name.toUpperCase())).total;
  }
  kind.commands = sent / COUNTED_ROUNDS;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const write = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const one = await RedisServer.start();
  const cluster = await RedisCluster.start();
  const several = await Promise.all([1, 2, 3].map(() => RedisServer.start()));
  stops.push(() => Promise.all([one.stop(), cluster.stop(), ...several.map((server) => server.stop())]));
  const addresses = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const kinds = [
    await open("default", [one], one.url),
    await open("list", [one], one.url, { wakeup: "list", namespace: "list" }),
    await open("signed (HMAC)", [one], one.url, { secrets: "a secret of some length", namespace: "signed" }),
    await open("Redis Cluster, 3 nodes", cluster.nodes, { cluster: addresses }),
    await open("quorum, 3 servers", several, quorum(several.map(({ url }) => url))),
  ];
  await play(kinds, WARM_UP_ROUNDS, "warm");
  for (const kind of kinds) [kind.ledMs.length, kind.wokenMs.length] = [0, 0];
  await play(kinds, ROUNDS, "measured");
  for (const kind of kinds) await countCommands(kind);
  const [base] = kinds;
  if (base === undefined) throw new Error("nothing to compare with");
  const ratio = (value: number, of: number): string => `${(value / of).toFixed(2)} x`;
  write(`${ROUNDS} flights of 1 KB of each kind, medians; ratios to the default in the same run`);
  for (const { name, ledMs, wokenMs, commands } of kinds) {
    const [led, woken] = [median(ledMs), median(wokenMs)];
    write(
      [
        name.padEnd(24),
        `led flight ${led.toFixed(2)} ms ${ratio(led, median(base.ledMs))}`,
        `wake-up ${woken.toFixed(2)} ms ${ratio(woken, median(base.wokenMs))}`,
        `commands sent, one follower ${commands.toFixed(1)} ${ratio(commands, base.commands)}`,
      ].join("   "),
    );
  }
} finally {
  for (const stop of stops.toReversed()) await stop();
}
