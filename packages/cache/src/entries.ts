/** Where a cache's entries are and how loads are coalesced around them: with the flights, or in a store of its own. */
import type { CallOptions, Work } from "@skein/core";
import type { Terms } from "./freshness.ts";

export interface Entries {
  /** Whether entries of this key are kept at all. */
  keeps(key: string): boolean;
  get(key: string, work: Work<unknown>, options: CallOptions | undefined): Promise<unknown>;
  /** False when it is not known to have been written. */
  set(key: string, value: unknown, terms: Terms): Promise<boolean>;
  /** False when it is not known to be gone. */
  delete(key: string): Promise<boolean>;
}
