/** What processes and their Redis hold: heap, handles, keys. After the load all of it has to be as it was before. */
import { waitUntil } from "@skein/testkit";
import type { FaultFleet } from "../faults/fault-fleet.ts";

/** Longest of all that Redis keeps: an abandoned flight. */
const QUIET_AFTER_MS = 60_000;
const PATIENCE_MS = 20_000;
const MAX_HEAP_GROWTH_BYTES = 8 * 1024 * 1024;
/** The connections to Redis: whoever has fewer than before is yet to open them again. */
const SOCKET = "TCPSocketWrap";

type Handles = Readonly<Record<string, number>>;

interface ProcessFootprint {
  readonly heapBytes: number;
  /** By what Node calls them. */
  readonly handles: Handles;
}

export interface Footprint {
  readonly keys: number;
  readonly processes: readonly ProcessFootprint[];
}

/** Of a fleet at rest. @throws when a flight or a key stays. */
export async function footprintAtRest(fleet: FaultFleet): Promise<Footprint> {
  const admin = fleet.redis.client();
  await waitUntil(async () => (await admin.dbsize()) === 0, {
    what: "Redis to hold nothing of ours",
    timeoutMs: QUIET_AFTER_MS,
    everyMs: 250,
  });
  for (const flier of fleet.fliers) {
    await waitUntil(async () => (await flier.call<number>("size")) === 0, {
      what: "no flight",
      timeoutMs: PATIENCE_MS,
    });
  }
  return { keys: await admin.dbsize(), processes: await Promise.all(fleet.fliers.map(footprintOf)) };
}

/** As `footprintAtRest`. @throws when a process has handles that it did not have, or much more heap. */
export async function footprintAsBefore(fleet: FaultFleet, before: Footprint): Promise<Footprint> {
  const { keys } = await footprintAtRest(fleet);
  const processes: ProcessFootprint[] = [];
  for (const [index, flier] of fleet.fliers.entries()) {
    const then = before.processes[index];
    if (then === undefined) throw new Error(`there was no process ${index}`);
    const now = await waitUntil(
      async () => {
        const footprint = await footprintOf(flier);
        if (!areAsBefore(footprint.handles, then.handles)) throw new Error(JSON.stringify(footprint.handles));
        return footprint;
      },
      {
        what: `process ${index} to have ${JSON.stringify(then.handles)}, as before`,
        timeoutMs: PATIENCE_MS,
        everyMs: 50,
      },
    );
    const growth = now.heapBytes - then.heapBytes;
    if (growth > MAX_HEAP_GROWTH_BYTES) throw new Error(`process ${index} holds ${growth} bytes more`);
    processes.push(now);
  }
  return { keys, processes };
}

/** In one line. */
export function describeFootprint({ keys, processes }: Footprint): string {
  const heaps = processes.map(({ heapBytes }) => (heapBytes / 1_000_000).toFixed(1)).join(", ");
  const handles = new Set(processes.map((one) => JSON.stringify(one.handles)));
  return `${keys} keys; heaps of ${heaps} MB; handles ${[...handles].join(", ")}`;
}

async function footprintOf(flier: FaultFleet["fliers"][number]): Promise<ProcessFootprint> {
  const heapBytes = await flier.call<number>("heap");
  const handles: Record<string, number> = {};
  for (const kind of await flier.call<string[]>("resources")) handles[kind] = (handles[kind] ?? 0) + 1;
  return { heapBytes, handles };
}

/** Nothing more of anything, and as many connections. */
function areAsBefore(now: Handles, then: Handles): boolean {
  const more = Object.entries(now).some(([kind, count]) => count > (then[kind] ?? 0));
  return !more && now[SOCKET] === then[SOCKET];
}
