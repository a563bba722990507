/**
 * Prints the figures that a test should not assert, since they depend on the machine: how fast a dead leader is
 * replaced, how fast a crowd is woken, what a call costs without Redis, what a flight costs Redis.
 * Run with `pnpm --filter @skein/cluster figures`.
 */
import { ClusterSingleflight } from "@skein/cluster";
import { RedisServer, waitUntil } from "@skein/testkit";
import { Deployment, type Told } from "./fliers/deployment.ts";

const write = (line: string): void => void process.stdout.write(`${line}\n`);

await takeover("SIGKILL of the leader, default lease of 5 s: successor's work starts after", "SIGKILL", {});
await takeover("SIGTERM of the leader, no drain: successor's work starts after", "SIGTERM", {
  handleSignals: { drainMs: 0 },
});
await crowd();
await commands();
await withoutRedis();

async function takeover(what: string, signal: "SIGKILL" | "SIGTERM", options: object): Promise<void> {
  const tookMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    await using fleet = await Deployment.start(4, { redisTimeoutMs: 250, ...options });
    await fleet.lead(0, "k:1", { workMs: 60_000 });
    const followers = await Promise.all([1, 2, 3].map((index) => fleet.follow(index, "k:1", { workMs: 1 })));
    const startedAt = performance.now();
    fleet.flier(0).signal(signal);
    await Promise.race(
      [1, 2, 3].map((index) => fleet.flier(index).waitFor(({ type }) => type === "work-started")),
    );
    tookMs.push(performance.now() - startedAt);
    await Promise.all(followers.map(({ answer }) => answer));
  }
  write(`${what} ${spread(tookMs)} ms`);
}

async function crowd(): Promise<void> {
  const redis = await RedisServer.start();
  const flights = Array.from(
    { length: 50 },
    () => new ClusterSingleflight({ redis: redis.url, namespace: "figures", prefixes: ["k:"] }),
  );
  await Promise.all(flights.map((instance) => instance.ready()));
  const tookMs: number[] = [];
  for (let round = 0; round < 20; round++) {
    const outcome = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    let follows = 0;
    const lead = flights[0]?.do(`k:${round}`, () => {
      begun.resolve();
      return outcome.promise;
    });
    await begun.promise;
    const answers = flights.slice(1).map((instance) => instance.do(`k:${round}`, () => "own"));
    const admin = redis.client();
    await waitUntil(async () => {
      const [hash] = await admin.keys(`*k:${round}}:flight`);
      follows =
        hash === undefined ? 0 : (await admin.hkeys(hash)).filter((field) => field.startsWith("f:")).length;
      return follows === 49;
    });
    admin.disconnect();
    const settledAt = performance.now();
    outcome.resolve("x".repeat(1_000));
    await Promise.all([lead, ...answers]);
    tookMs.push(performance.now() - settledAt);
  }
  write(`50 instances wait, 1 KB outcome: the last is answered after ${spread(tookMs)} ms`);
  await Promise.all(flights.map((instance) => instance.close({ drainMs: 0 })));
  await redis.stop();
}

async function commands(): Promise<void> {
  const processes = 4;
  const rounds = 20;
  await using fleet = await Deployment.start(processes, { redisTimeoutMs: 250 });
  const admin = fleet.redis.client();
  await fleet.call(0, "k:warm");
  const count = async (): Promise<{ scripts: number; inside: number }> => {
    const stats = await admin.info("commandstats");
    const calls = Array.from(
      stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g),
      ([, name, number]) => [name, Number(number)] as const,
    );
    const own = new Set(["ping", "info", "client|setname", "keys", "dbsize"]);
    const scripts = calls
      .filter(([name]) => name === "evalsha" || name === "eval")
      .reduce((sum, [, n]) => sum + n, 0);
    const all = calls.filter(([name]) => !own.has(name ?? "")).reduce((sum, [, n]) => sum + n, 0);
    return { scripts, inside: all - scripts };
  };
  const before = await count();
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      fleet.fliers.map((flier) => flier.call<Told[]>("stampede", `k:${round}`, { workMs: 50 }, 250)),
    );
  }
  const after = await count();
  const sent = (after.scripts - before.scripts) / rounds;
  const inside = (after.inside - before.inside) / rounds;
  write(
    `${processes} processes x 250 callers, one flight: clients send ${sent} commands (leader 2, each follower 1)`,
  );
  write(
    `  counted by Redis with those inside scripts: ${((sent + inside) / processes).toFixed(1)} per process`,
  );
}

async function withoutRedis(): Promise<void> {
  const redis = await RedisServer.start();
  const flights = new ClusterSingleflight({ redis: redis.url, namespace: "figures", prefixes: ["k:"] });
  await flights.ready();
  await redis.kill();
  const first = performance.now();
  await flights.do("k:first", () => 1);
  write(`Redis killed: the first call waits ${(performance.now() - first).toFixed(1)} ms`);
  const tookMs: number[] = [];
  for (let call = 0; call < 200; call++) {
    const startedAt = performance.now();
    await flights.do(`k:${call}`, () => 1);
    tookMs.push(performance.now() - startedAt);
  }
  write(`  later calls add ${spread(tookMs, 3)} ms`);
  await flights.close({ drainMs: 0 });
  await redis.stop();
}

/** Minimum, median and maximum. */
function spread(values: readonly number[], digits = 1): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(digits);
  return `${at(0)} / ${at(0.5)} / ${at(1)}`;
}
