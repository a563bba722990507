/** What a cache decides about its entries; the flights ask it. None of it may throw. */
import type { Work } from "@skein/core";
import type { StandardSchema } from "../standard-schema.ts";

/** How long an outcome is kept. */
export interface EntryTerms {
  /** Fresh for so long. Integer, at least 1. */
  readonly ttlMs: number;
  /** Kept for so much longer, for callers that take it past its time. */
  readonly graceMs: number;
}

export type KeptOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown };

/** Why a read did not use what it found. */
export type EntryFault =
  | "malformed"
  | "version"
  | "identity"
  | "codec"
  | "undecodable"
  | "signature"
  | "expired"
  | "schema";

export type EntryEvent =
  | { readonly type: "hit"; readonly how: "fresh" | "stale" | "error"; readonly kind: "value" | "error" }
  /** The work will be run, or another process's outcome waited for. `unexpected`: the entry should have been there. */
  | { readonly type: "miss"; readonly unexpected: boolean }
  | { readonly type: "broken"; readonly why: EntryFault }
  | { readonly type: "written"; readonly bytes: number; readonly ttlMs: number }
  | { readonly type: "not-written"; readonly why: "too-large" | "not-encodable" | "unavailable" }
  | { readonly type: "refresh"; readonly why: "stale" | "early" }
  | { readonly type: "read-failed" };

export interface EntryRules {
  readonly staleMs: number;
  readonly refreshBackoffMs: number;
  readonly maxEntryBytes: number;
  readonly maxKnownEntries: number;
  readonly schema: StandardSchema | undefined;
  /** `undefined`: the outcome is not kept. `work` is what made it. */
  terms(outcome: KeptOutcome, work: Work<unknown>): EntryTerms | undefined;
  /** Whether to renew an entry before its time. */
  isDue(leftMs: number, workMs: number): boolean;
  onEvent(key: string, event: EntryEvent): void;
}
