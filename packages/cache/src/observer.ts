/** What happens in a cache, told to whoever listens. Events hold no keys and no values. */
import type { Observer } from "@skein/core";

export type CacheEvent =
  /** Answered from an entry: in its time, past it while it is renewed, or past it because the work failed. */
  | { readonly type: "hit"; readonly how: "fresh" | "stale" | "error"; readonly kind: "value" | "error" }
  /** The work runs, here or elsewhere. `unexpected`: this process had reason to think that the entry was there. */
  | { readonly type: "miss"; readonly unexpected: boolean }
  /** An entry that could not be used, and counts as none. */
  | {
      readonly type: "broken";
      readonly why:
        | "malformed"
        | "version"
        | "identity"
        | "codec"
        | "undecodable"
        | "signature"
        | "expired"
        | "schema";
    }
  | { readonly type: "written"; readonly bytes: number; readonly ttlMs: number }
  | { readonly type: "not-written"; readonly why: "too-large" | "not-encodable" | "unavailable" }
  /** An entry is being renewed: past its time, or a little before. */
  | { readonly type: "refresh"; readonly why: "stale" | "early" }
  /** The store did not answer a read. */
  | { readonly type: "read-failed" }
  /** The key's prefix is not coordinated (or only shadowed), so nothing of it is cached. */
  | { readonly type: "bypass" };

/** Several observers as one, none of which can disturb a call. */
export function emitterOf(
  observers: Observer<CacheEvent> | readonly Observer<CacheEvent>[] | undefined,
): (event: CacheEvent) => void {
  const listeners = observers === undefined ? [] : "onEvent" in observers ? [observers] : [...observers];
  return (event) => {
    for (const listener of listeners) {
      try {
        listener.onEvent(event);
      } catch {
        continue;
      }
    }
  };
}
