/** What a cache adds to the list of metrics. */
import { BY_PREFIX, byPrefixAnd, SIZE_BUCKETS, type MetricDefinition } from "./metric-definition.ts";

export type CacheMetricId =
  | "cacheHits"
  | "cacheMisses"
  | "cacheRefreshes"
  | "cacheBypassed"
  | "cacheWritten"
  | "cacheEntryBytes"
  | "cacheNotWritten"
  | "cacheBroken"
  | "cacheReadsFailed";

export const cacheMetrics: Readonly<Record<CacheMetricId, MetricDefinition>> = {
  cacheHits: {
    name: "singleflight_cache_hits_total",
    kind: "counter",
    help: "Answers from entries: in their time, past it while one is renewed, or past it because the work failed.",
    labels: byPrefixAnd("how", "hit"),
  },
  cacheMisses: {
    name: "singleflight_cache_misses_total",
    kind: "counter",
    help: "Entries that were not there; the callers of one moment count once. Expected: nothing said that there was one.",
    labels: byPrefixAnd("expected", "expected"),
  },
  cacheRefreshes: {
    name: "singleflight_cache_refreshes_total",
    kind: "counter",
    help: "Renewals that this process set out for: of entries past their time, or a little before it.",
    labels: byPrefixAnd("reason", "refresh"),
  },
  cacheBypassed: {
    name: "singleflight_cache_bypassed_total",
    kind: "counter",
    help: "Calls whose key is not kept: its prefix is not coordinated, or only shadowed.",
    labels: BY_PREFIX,
  },
  cacheWritten: {
    name: "singleflight_cache_written_total",
    kind: "counter",
    help: "Entries written, by loads and by set.",
    labels: BY_PREFIX,
  },
  cacheEntryBytes: {
    name: "singleflight_cache_entry_bytes",
    kind: "histogram",
    help: "Size of the entries written.",
    labels: BY_PREFIX,
    buckets: SIZE_BUCKETS,
  },
  cacheNotWritten: {
    name: "singleflight_cache_not_written_total",
    kind: "counter",
    help: "Entries that should have been written or deleted, and were not.",
    labels: byPrefixAnd("reason", "notWritten"),
  },
  cacheBroken: {
    name: "singleflight_cache_broken_total",
    kind: "counter",
    help: "Entries that were there and could not be used; each is a miss.",
    labels: byPrefixAnd("reason", "broken"),
  },
  cacheReadsFailed: {
    name: "singleflight_cache_reads_failed_total",
    kind: "counter",
    help: "Reads that the store did not answer; each is a miss.",
    labels: BY_PREFIX,
  },
};
