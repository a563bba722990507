/**
 * Where entries are kept when they are not kept with the flights. A store holds bytes and measures time; it knows
 * nothing of freshness. Not promised by any: that what was written is still there.
 */
import { systemClock, type Clock } from "@skein/core";

export interface StoredEntry {
  readonly bytes: Uint8Array;
  /** Until the store drops it, by the store's own clock. */
  readonly leftMs: number;
}

/** What a store must do. It may reject; that costs a miss. */
export interface CacheStore {
  get(key: string): Promise<StoredEntry | undefined>;
  set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface MemoryStoreOptions {
  /** Integer, 1 to 10_000_000, default 10_000. Beyond it the entry used longest ago goes. */
  maxEntries?: number;
  /** For simulations. Default: the process's monotonic clock. */
  clock?: Clock;
}

interface Kept {
  readonly bytes: Uint8Array;
  readonly until: number;
}

/** Entries of this process, for as long as it lives. */
export class MemoryStore implements CacheStore {
  readonly #maxEntries: number;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor({ maxEntries = 10_000, clock = systemClock }: MemoryStoreOptions = {}) {
    this.#maxEntries = maxEntries;
    this.#clock = clock;
  }

  /** Entries, those past their time that nobody has asked for included. */
  get size(): number {
    return this.#kept.size;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    const leftMs = kept.until - this.#clock.now();
    if (leftMs <= 0) return undefined;
    this.#kept.set(key, kept);
    return { bytes: kept.bytes, leftMs };
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= this.#maxEntries) this.#kept.delete(oldest);
    this.#kept.set(key, { bytes, until: this.#clock.now() + ttlMs });
  }

  async delete(key: string): Promise<void> {
    this.#kept.delete(key);
  }
}
