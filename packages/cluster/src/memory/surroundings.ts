/** What a flight of a memory server has around it: time, inboxes, the cache entry of its key, and who asks. */
import type { Transport } from "../coordinator.ts";
import type { WakeUpKind } from "../inbox/wake-up.ts";
import type { MemoryEntry } from "./memory-entries.ts";

export interface Surroundings {
  /** Server time, whole microseconds. */
  now(): number;
  /** Sends a wake-up of this flight to a process. */
  tell(process: string, kind: WakeUpKind, token: string, outcome?: Uint8Array): void;
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
