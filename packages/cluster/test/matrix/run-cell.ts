/** Runs all claims in one cell of the matrix. */
import { Flock } from "../topology/flock.ts";
import { claims } from "./claims.ts";
import { ClientMaker, type ClientName } from "./clients.ts";
import type { Topology } from "./topologies.ts";

export const TRANSPORTS = ["pubsub", "list"] as const;
export type Transport = (typeof TRANSPORTS)[number];

let cells = 0;

/** @throws with the claim that did not hold. */
export async function runCell(topology: Topology, client: ClientName, wakeup: Transport): Promise<void> {
  await using maker = new ClientMaker(client);
  await using flock = await Flock.start(topology.source(maker), 2, {
    namespace: `cell-${++cells}`,
    wakeup,
    redisTimeoutMs: 5_000,
    prefixes: { "k:": { leaseMs: 10_000 } },
  });
  for (const [claim, holds] of Object.entries(claims)) {
    try {
      await holds({ flock, servers: topology.servers, maker });
    } catch (cause) {
      throw new Error(`${claim}: ${String(cause)}`, { cause });
    }
  }
}
