/**
 * Prints what a PUBLISH costs on a Redis Cluster, where every node tells every other, beside a sharded one, which stays with
 * its node: processor time of all nodes together, as ratios in one run. Run with `pnpm --filter @skein/cluster figures:publish`.
 */
import { RedisCluster, type RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";

const MESSAGES = 20_000;
const BATCH = 200;
const REPETITIONS = 3;
const CHANNEL = "figures";

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Of all nodes, s. */
async function processorSeconds(nodes: readonly RedisServer[]): Promise<number> {
  const infos = await Promise.all(nodes.map((node) => node.client().info("cpu")));
  return infos
    .flatMap((info) => [...info.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gmu)])
    .reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}

async function send(client: Redis, command: "PUBLISH" | "SPUBLISH", payload: string): Promise<void> {
  for (let sent = 0; sent < MESSAGES; sent += BATCH) {
    const pipeline = client.pipeline();
    for (let message = 0; message < BATCH; message++) pipeline.call(command, CHANNEL, payload);
    await pipeline.exec();
  }
}

write(
  `${MESSAGES} messages to one subscriber, processor time of all nodes per message, median of ${REPETITIONS}`,
);
for (const nodes of [3, 6]) {
  await using cluster = await RedisCluster.start({ nodes });
  const home = await cluster.nodeOf(CHANNEL);
  const subscriber = home.client();
  await subscriber.subscribe(CHANNEL);
  await subscriber.call("SSUBSCRIBE", CHANNEL);
  const client = home.client();
  for (const bytes of [200, 16_000]) {
    const payload = "x".repeat(bytes);
    const us: Record<"PUBLISH" | "SPUBLISH", number[]> = { PUBLISH: [], SPUBLISH: [] };
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      for (const command of ["PUBLISH", "SPUBLISH"] as const) {
        const before = await processorSeconds(cluster.nodes);
        await send(client, command, payload);
        us[command].push((((await processorSeconds(cluster.nodes)) - before) * 1e6) / MESSAGES);
      }
    }
    const [publish, sharded] = [median(us.PUBLISH), median(us.SPUBLISH)];
    write(
      `${nodes} nodes, ${bytes} bytes: PUBLISH ${publish.toFixed(1)} us, SPUBLISH ${sharded.toFixed(1)} us, ratio ${(publish / sharded).toFixed(2)}`,
    );
  }
}
