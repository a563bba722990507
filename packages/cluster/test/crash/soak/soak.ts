/**
 * Six processes under mixed load, and a random fault every few seconds; afterwards the history is held against the
 * invariants, and heap, handles and keys have to be back where they were. The same seed brings the same faults in the same
 * order; what the machine makes of them may differ.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { flushScripts, SeededRandom, waitUntil, type HistoryLine } from "@skein/testkit";
import { cutInboxes } from "../../wakeup.ts";
import { FaultFleet } from "../faults/fault-fleet.ts";
import { footprintAsBefore, footprintAtRest, type Footprint } from "./footprint.ts";
import { Load } from "./load.ts";

const PROCESSES = 6;
const LEASE_MS = 2_000;
const REDIS_TIMEOUT_MS = 500;
/** Longer than any call may wait. */
const ANSWERED_AFTER_MS = 60_000;

export interface SoakReport {
  readonly calls: number;
  readonly answered: number;
  /** Calls of processes that were killed under them. */
  readonly orphaned: number;
  /** Of the answers, those that were errors, by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly executions: number;
  readonly takeovers: number;
  readonly fallbacks: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly before: Footprint;
  readonly after: Footprint;
}

/** @throws when an invariant was broken, a call was not answered, or something was left behind. */
export async function soak(
  seconds: number,
  seed: string,
  say: (line: string) => void = () => undefined,
): Promise<SoakReport> {
  const random = new SeededRandom(seed);
  await using fleet = await FaultFleet.start({
    processes: PROCESSES,
    proxied: true,
    quiet: true,
    options: {
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      prefixes: { "k:": { leaseMs: LEASE_MS, abandonMs: 3_000, maxAgeMs: 10_000, waitTimeoutMs: 20_000 } },
    },
  });
  await coordinated(fleet);
  const before = await footprintAtRest(fleet);
  const faults: Record<string, number> = {};
  const endsAt = performance.now() + seconds * 1_000;

  const load = new Load(fleet, random.fork("load"));
  const calling = load.keepCalling(endsAt);
  const kinds = faultsOf(fleet, random.fork("faults"));
  while (performance.now() < endsAt) {
    await sleep(500 + random.integer(2_000));
    const name = random.pick(Object.keys(kinds));
    say(name);
    faults[name] = (faults[name] ?? 0) + 1;
    await kinds[name]?.();
  }
  await calling;
  await waitUntil(() => load.pending === 0, {
    what: "every call to be answered",
    timeoutMs: ANSWERED_AFTER_MS,
  });
  if (load.lost > 0) throw new Error(`${load.lost} calls were lost; errors: ${JSON.stringify(load.errors)}`);
  await coordinated(fleet);
  // A settle is said for a lease, and the last time until its time is up.
  fleet.holds({ causeToleranceMs: 2_000, marginMs: 10_000, settleMs: LEASE_MS + REDIS_TIMEOUT_MS });
  const after = await footprintAsBefore(fleet, before);
  const { calls, answered, orphaned, errors } = load;
  const history = fleet.history();
  const count = (mark: HistoryLine["ev"]): number => history.filter(({ ev }) => ev === mark).length;
  return {
    ...{ calls, answered, orphaned, errors, faults, before, after },
    ...{ executions: count("start"), takeovers: count("takeover"), fallbacks: count("fallback") },
  };
}

function faultsOf(fleet: FaultFleet, random: SeededRandom): Record<string, () => Promise<unknown>> {
  const admin = fleet.redis.client();
  const anyone = (): number => random.integer(PROCESSES);
  return {
    "kill a process": async () => {
      const index = anyone();
      await fleet.kill(index);
      await fleet.revive(index);
    },
    "stop a process past its lease": async () => {
      const index = anyone();
      fleet.pause(index);
      await sleep(LEASE_MS * 1.5);
      fleet.resume(index);
    },
    "cut all inboxes": () => cutInboxes(admin),
    "reset the connections of a process": async () => fleet.proxy(anyone()).reset(),
    "delay a process": async () => {
      const proxy = fleet.proxy(anyone());
      proxy.delay({ ms: 50, jitterMs: 150 });
      await sleep(1_500);
      proxy.pass();
    },
    "cut a process off": async () => {
      const proxy = fleet.proxy(anyone());
      proxy.swallow();
      await sleep(1_500);
      proxy.pass();
      proxy.reset();
    },
    "hang Redis": async () => {
      await fleet.redis.pause();
      await sleep(1_000);
      await fleet.redis.resume();
    },
    "kill Redis": () => fleet.losingData(() => fleet.restartRedis()),
    "flush everything": () => fleet.losingData(() => fleet.redis.flushAll()),
    "flush the scripts": () => flushScripts(admin),
  };
}

/** Every process is coordinated again. */
async function coordinated(fleet: FaultFleet): Promise<void> {
  for (const index of fleet.fliers.keys()) await fleet.coordinated(index);
}
