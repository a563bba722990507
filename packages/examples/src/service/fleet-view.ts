// The state of the whole fleet, as one replica sees it: it asks every peer, itself among them.

import { originsOf } from "./peers.ts";
import type { ReplicaState } from "./activity.ts";

// A peer that has just been killed does not hold up the others.
const MAX_ANSWER_MS = 500;

export interface Peer {
  readonly origin: string;
  readonly state: ReplicaState;
}

export class FleetView {
  readonly #peers: readonly string[];

  constructor(peers: readonly string[]) {
    this.#peers = peers;
  }

  /** Those that answered. */
  async look(): Promise<readonly Peer[]> {
    const peers = await Promise.all((await originsOf(this.#peers)).map(ask));
    return peers.filter((peer) => peer !== undefined);
  }
}

async function ask(origin: string): Promise<Peer | undefined> {
  try {
    const answer = await fetch(`${origin}/state`, { signal: AbortSignal.timeout(MAX_ANSWER_MS) });
    return { origin, state: (await answer.json()) as ReplicaState };
  } catch {
    return undefined;
  }
}
