/** Many callers in several processes ask for one cold key at once. */
import { waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { Deployment, type Told } from "../fliers/deployment.ts";
import { WAKEUP } from "../wakeup.ts";

const PROCESSES = 4;
const CALLERS = 250;
const REPETITIONS = 100;

describe("a stampede on a cold key", () => {
  it("costs one execution in 100 of 100 repetitions, two commands of the leader and one of each follower, and a push to each list", async () => {
    await using fleet = await Deployment.start(PROCESSES);
    const admin = fleet.redis.client();
    const sent = async (): Promise<number> => {
      const stats = await admin.info("commandstats");
      return (
        Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0) +
        Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1] ?? 0)
      );
    };
    // The first flight also teaches the server its scripts.
    await fleet.call(0, "k:warm");
    await fleet.call(1, "k:warm");
    const before = await sent();
    const executedBefore = await fleet.executions();
    for (let repetition = 1; repetition <= REPETITIONS; repetition++) {
      const key = `k:cold-${repetition}`;
      const told = Promise.all(
        fleet.fliers.map((flier) => flier.call<Told[]>("stampede", key, { held: true }, CALLERS)),
      );
      // However late a process is, the work lasts until it takes part: who comes after its end starts anew.
      await waitUntil(async () => (await followers(admin, key)) === PROCESSES - 1, { timeoutMs: 30_000 });
      await Promise.all(fleet.fliers.map((flier) => flier.call("release", key)));
      const answers = (await told).flat();
      expect(answers).toHaveLength(PROCESSES * CALLERS);
      expect(answers.every(({ ok, shared }) => ok && shared)).toBe(true);
      expect(new Set(answers.map(({ flightId }) => flightId)).size).toBe(1);
      expect(await fleet.executions()).toBe(executedBefore + repetition);
    }
    // Join and settle of the leader, a join of each follower, and where followers have lists a push to each. A stall of
    // over a second adds polls, never executions.
    const perFlight = ((await sent()) - before) / REPETITIONS;
    const needed = 2 + (PROCESSES - 1) + (WAKEUP === "list" ? PROCESSES - 1 : 0);
    expect(perFlight).toBeGreaterThanOrEqual(needed);
    expect(perFlight).toBeLessThan(needed + 1);
  });

  it("leaves nothing in Redis after the retention, and no flight in any process", async () => {
    await using fleet = await Deployment.start(2, { prefixes: { "k:": { retainMs: 100, leaseMs: 500 } } });
    await Promise.all([0, 1].map((index) => fleet.call(index, "k:quiet", { workMs: 20 })));
    const admin = fleet.redis.client();
    await expect.poll(() => admin.dbsize(), { timeout: 10_000 }).toBe(0);
    for (const flier of fleet.fliers) {
      expect(await flier.call("size")).toBe(0);
      const sockets = (await flier.call<string[]>("resources")).filter(
        (resource) => resource === "TCPSocketWrap",
      );
      expect(sockets).toHaveLength(2);
      expect(await flier.call<string[]>("resources")).not.toContain("Timeout");
    }
  });
});

/** Processes that have registered for the outcome of a flight. */
async function followers(admin: Redis, key: string): Promise<number> {
  const fields = await admin.hkeys(`skein1:{test:${key}}:flight`);
  return fields.filter((field) => field.startsWith("f:")).length;
}
