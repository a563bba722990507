/**
 * Entries as the bytes that a store keeps: encoded, and signed with the secrets of the flights if they have any. What
 * cannot be kept or used is a reason, never an error.
 */
import type { EntrySigning } from "@skein/cluster/internal";
import {
  decodeEntry,
  encodeEntry,
  type Entry,
  type EntryFault,
  type KeptOutcome,
  type Sign,
} from "./entry.ts";
import type { Terms } from "./freshness.ts";
import type { CacheNews } from "./observer.ts";
import type { CachePolicy } from "./options.ts";

const ID_LENGTH = 12;

export type NotWrittenWhy = Extract<CacheNews, { type: "not-written" }>["why"];

/** An outcome to be kept, and how long it took. */
export interface Kept {
  readonly outcome: KeptOutcome;
  readonly workMs: number;
}

export class SealedEntries {
  readonly #policy: CachePolicy;
  readonly #signing: EntrySigning | undefined;

  constructor(policy: CachePolicy, signing: EntrySigning | undefined) {
    this.#policy = policy;
    this.#signing = signing;
  }

  /** What `encode` needs to know of the time; `undefined`, at once, when nothing is signed. */
  nowMs(key: string): Promise<number | undefined> | undefined {
    return this.#signing?.nowMs(key);
  }

  encode(
    key: string,
    { outcome, workMs }: Kept,
    { ttlMs, graceMs }: Terms,
    nowMs: number | undefined,
  ): Uint8Array | NotWrittenWhy {
    const { codec, randomness, maxEntryBytes } = this.#policy;
    const signing = this.#signing;
    let sign: Sign | undefined;
    if (signing !== undefined) {
      // Nobody would believe it unsigned.
      if (nowMs === undefined) return "unavailable";
      sign = (header, payload) => signing.sign({ key, header, payload }, nowMs, ttlMs + graceMs);
    }
    try {
      const id = randomness.identifier(ID_LENGTH);
      const bytes = encodeEntry({ id, graceMs, workMs, outcome }, codec, sign);
      return bytes.length <= maxEntryBytes ? bytes : "too-large";
    } catch {
      return "not-encodable";
    }
  }

  async decode(key: string, bytes: Uint8Array): Promise<Entry | EntryFault> {
    const signing = this.#signing;
    const { codec } = this.#policy;
    if (signing === undefined) return decodeEntry(bytes, codec);
    const nowMs = await signing.nowMs(key);
    return decodeEntry(bytes, codec, (signature, header, payload) =>
      signing.faultOf(signature, { key, header, payload }, nowMs),
    );
  }
}
