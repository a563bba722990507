/**
 * Six processes under mixed load, and a random fault every few seconds; afterwards the history is held against the
 * invariants, and heap, handles and keys have to be back where they were. The same seed brings the same faults in the same
 * order; what the machine makes of them may differ.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { flushScripts, SeededRandom, waitUntil } from "@skein/testkit";
import type { WorkPlan } from "../../fliers/coalescing-flier.ts";
import { cutInboxes } from "../../wakeup.ts";
import { FaultFleet } from "../faults/fault-fleet.ts";

const PROCESSES = 6;
const KEYS = 12;
const CALL_EVERY_MS = 10;
const LEASE_MS = 2_000;
const REDIS_TIMEOUT_MS = 500;
/** Longest of all that Redis keeps: an abandoned flight. */
const QUIET_AFTER_MS = 60_000;
const MAX_HEAP_GROWTH_BYTES = 24 * 1024 * 1024;

export interface SoakReport {
  readonly calls: number;
  readonly answered: number;
  /** Calls of processes that were killed under them. */
  readonly orphaned: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly heapGrowthBytes: number;
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
  await settled(fleet);
  const before = await Promise.all(fleet.fliers.map(stateOf));
  const counts = { calls: 0, answered: 0, orphaned: 0 };
  const faults: Record<string, number> = {};
  const endsAt = performance.now() + seconds * 1_000;

  const load = keepCalling(fleet, random.fork("load"), endsAt, counts);
  const kinds = faultsOf(fleet, random.fork("faults"));
  while (performance.now() < endsAt) {
    await sleep(500 + random.integer(2_000));
    const name = random.pick(Object.keys(kinds));
    say(name);
    faults[name] = (faults[name] ?? 0) + 1;
    await kinds[name]?.();
  }
  await load;
  await settled(fleet);
  if (counts.answered + counts.orphaned !== counts.calls) {
    throw new Error(`${counts.calls} calls, but ${counts.answered} answered and ${counts.orphaned} orphaned`);
  }
  // A settle is said for a lease, and the last time until its time is up.
  fleet.holds({ causeToleranceMs: 2_000, marginMs: 10_000, settleMs: LEASE_MS + REDIS_TIMEOUT_MS });
  const heapGrowthBytes = await nothingIsLeft(fleet, before);
  return { ...counts, faults, heapGrowthBytes };
}

async function keepCalling(
  fleet: FaultFleet,
  random: SeededRandom,
  endsAt: number,
  counts: { calls: number; answered: number; orphaned: number },
): Promise<void> {
  const calls: Promise<void>[] = [];
  while (performance.now() < endsAt) {
    const index = random.integer(PROCESSES);
    const key = `k:${random.integer(KEYS)}`;
    const chance = random.fraction();
    const plan: WorkPlan =
      chance < 0.02
        ? { blocksMs: 300 }
        : {
            workMs: random.integer(chance < 0.1 ? 1_500 : 100),
            heeds: chance < 0.5,
            ...(chance > 0.95 ? { fails: "as planned" } : {}),
          };
    counts.calls++;
    calls.push(
      fleet.call(index, key, plan).then(
        () => void counts.answered++,
        // The process is gone, and its caller with it.
        () => void counts.orphaned++,
      ),
    );
    if (random.fraction() < 0.005) {
      const forgotten = fleet.flier(index).call("forget", key);
      // As with the calls: the process may be killed under it.
      forgotten.catch(() => undefined);
    }
    await sleep(CALL_EVERY_MS);
  }
  await Promise.all(calls);
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
    "kill Redis": () => fleet.losingData(() => fleet.redis.restart()),
    "flush everything": () => fleet.losingData(() => fleet.redis.flushAll()),
    "flush the scripts": () => flushScripts(admin),
  };
}

/** Every process is coordinated again. */
async function settled(fleet: FaultFleet): Promise<void> {
  for (const index of fleet.fliers.keys()) await fleet.coordinated(index);
}

interface ProcessState {
  readonly heapBytes: number;
  readonly sockets: number;
}

async function stateOf(flier: FaultFleet["fliers"][number]): Promise<ProcessState> {
  const resources = await flier.call<string[]>("resources");
  const sockets = resources.filter((name) => name === "TCPSocketWrap").length;
  return { heapBytes: await flier.call<number>("heap"), sockets };
}

/** @throws for flights, sockets or keys that stayed, and for a heap that grew. Returns by how much it did. */
async function nothingIsLeft(fleet: FaultFleet, before: readonly ProcessState[]): Promise<number> {
  const admin = fleet.redis.client();
  await waitUntil(async () => (await admin.dbsize()) === 0, {
    what: "Redis to hold nothing of ours",
    timeoutMs: QUIET_AFTER_MS,
    everyMs: 250,
  });
  let growth = 0;
  for (const [index, flier] of fleet.fliers.entries()) {
    await waitUntil(async () => (await flier.call<number>("size")) === 0, {
      what: "no flight",
      timeoutMs: 20_000,
    });
    const then = before[index];
    if (then === undefined) continue;
    // A connection that was lost last is yet to be opened again.
    const now = await waitUntil(
      async () => {
        const state = await stateOf(flier);
        if (state.sockets !== then.sockets) throw new Error(`${state.sockets} sockets`);
        return state;
      },
      { what: `process ${index} to have ${then.sockets} sockets, as before`, timeoutMs: 20_000 },
    );
    growth = Math.max(growth, now.heapBytes - then.heapBytes);
  }
  if (growth > MAX_HEAP_GROWTH_BYTES) throw new Error(`the heap of a process grew by ${growth} bytes`);
  return growth;
}
