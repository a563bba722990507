/** What coalescers have for caches, under symbols that every copy of Skein in a process shares. */

/** Where a coalescer offers to keep a cache's entries with its flights; see `@skein/cache`. */
export const FUSION: unique symbol = Symbol.for("skein.fusion");

/** Where a coalescer that has secrets offers to sign the entries of a cache with a store of its own. */
export const ENTRY_SIGNING: unique symbol = Symbol.for("skein.entrySigning");

/** Where a coalescer says under which prefix it tells of a key, so that a cache tells of it under the same. */
export const KEY_PREFIX_OF: unique symbol = Symbol.for("skein.keyPrefixOf");

export function offerKeyPrefix(flights: object, keyPrefixOf: (key: string) => string | undefined): void {
  Object.defineProperty(flights, KEY_PREFIX_OF, { value: keyPrefixOf });
}
