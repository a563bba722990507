/** For the other Skein packages. Not public: anything here may change in any release. */
export type { EntryEvent, EntryFault, EntryRules, EntryTerms, KeptOutcome } from "./entry/entry-rules.ts";
export type { EntrySigning } from "./entry/entry-signing.ts";
export type { FusedEntries, Fusion } from "./entry/fused-entries.ts";
