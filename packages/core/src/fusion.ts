/** Where a coalescer offers to keep a cache's entries with its flights; see `@skein/cache`. One for every copy of Skein. */
export const FUSION: unique symbol = Symbol.for("skein.fusion");
