/** What happens in a cache, told to whoever listens. Events hold no keys and no values. */
import type { Coalescer, Observer } from "@skein/core";
import { disregard, KEY_PREFIX_OF } from "@skein/core/internal";

/** What a cache has to say of a key. */
export type CacheNews =
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

/** `keyPrefix`: as in the events of the flights: a declared prefix, or what `keyPrefixOf` returns; else "other". */
export type CacheEvent = CacheNews & { readonly keyPrefix: string };

export type Tell = (key: string, news: CacheNews) => void;

/** Several observers as one, none of which can disturb a call. */
export function tellerOf(
  observers: Observer<CacheEvent> | readonly Observer<CacheEvent>[] | undefined,
  flights: Coalescer,
): Tell {
  const listeners = observers === undefined ? [] : "onEvent" in observers ? [observers] : [...observers];
  if (listeners.length === 0) return () => undefined;
  const offered: unknown = Reflect.get(flights, KEY_PREFIX_OF);
  const keyPrefixOf = typeof offered === "function" ? (offered as (key: string) => unknown) : () => undefined;
  return (key, news) => {
    const keyPrefix = keyPrefixOf(key);
    const event = { ...news, keyPrefix: typeof keyPrefix === "string" ? keyPrefix : "other" };
    for (const listener of listeners) {
      try {
        disregard(listener.onEvent(event));
      } catch {
        continue;
      }
    }
  };
}
