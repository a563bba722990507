/** What a flight of a memory server has around it: time, inboxes, the cache entry of its key, and who asks. */
import type { Transport } from "../coordinator.ts";
import type { WakeUpKind } from "../inbox/wake-up.ts";
import type { MemoryEntry } from "./memory-entries.ts";
import type { Addressee } from "./memory-post.ts";

export interface Surroundings {
  /** Server time, whole microseconds. */
  now(): number;
  /** Sends a wake-up of this flight to processes, to each once. */
  tell(whom: readonly Addressee[], kind: WakeUpKind, token: string, outcome?: Uint8Array): void;
  isListening(process: string): boolean;
  /** The cache entry of the flight's key. */
  readonly entry: MemoryEntry;
}

/** What one settle sends at most. */
export interface WakeUpLimits {
  readonly maxWoken: number;
  readonly fanoutMaxBytes: number;
}

export interface Caller {
  readonly process: string;
  readonly transport: Transport;
}
