/** The cache entries that a memory server keeps beside its flights. They outlive them. */
import type { EntryWrite } from "../coordinator.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly graceMs: number;
  readonly endsAtUs: number;
}

/** The entry of one key. */
export interface MemoryEntry {
  readonly bytes: Uint8Array | undefined;
  /** What an election needs to know of it. */
  head(): { readonly id: string; readonly leftMs: number } | undefined;
  write(entry: EntryWrite, outcome: Uint8Array): void;
  /** True if there was one. */
  remove(): boolean;
}

export class MemoryEntries {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** `now`: server time, whole microseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is left of each entry, in ms of server time. */
  get ttlsMs(): readonly number[] {
    return [...this.#kept.keys()].flatMap((key) => {
      const kept = this.#find(key);
      return kept === undefined ? [] : [(kept.endsAtUs - this.#now()) / 1_000];
    });
  }

  of(key: string): MemoryEntry {
    const find = (): Kept | undefined => this.#find(key);
    return {
      get bytes() {
        return find()?.bytes;
      },
      head: () => {
        const kept = find();
        if (kept === undefined) return undefined;
        const leftMs = Math.floor((kept.endsAtUs - this.#now()) / 1_000) - kept.graceMs;
        return { id: kept.id, leftMs };
      },
      write: ({ head, ttlMs }, outcome) => {
        const [id = "", graceMs] = head.split(" ");
        const bytes = Buffer.concat([Buffer.from(`skein-entry/1 ${this.#now()} ${head}\n`), outcome]);
        this.#kept.set(key, {
          bytes,
          id,
          graceMs: Number(graceMs),
          endsAtUs: this.#now() + ttlMs * 1_000,
        });
      },
      remove: () => find() !== undefined && this.#kept.delete(key),
    };
  }

  clear(): void {
    this.#kept.clear();
  }

  /** Drops what has ended by the clock as it is now. */
  expire(): void {
    for (const key of [...this.#kept.keys()]) this.#find(key);
  }

  #find(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.endsAtUs > this.#now()) return kept;
    this.#kept.delete(key);
    return undefined;
  }
}
