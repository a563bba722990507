/** Calls, executions and limits of one process: core alone tells these. */
import { BY_PREFIX, byPrefixAnd, DURATION_BUCKETS, type MetricDefinition } from "./metric-definition.ts";

export type CallMetricId =
  | "started"
  | "coalesced"
  | "duration"
  | "refused"
  | "timeouts"
  | "evicted"
  | "bypassed"
  | "aged"
  | "background";

export const callMetrics: Readonly<Record<CallMetricId, MetricDefinition>> = {
  started: {
    name: "singleflight_started_total",
    kind: "counter",
    help: "Executions: the work of a key was called in this process.",
    labels: BY_PREFIX,
  },
  coalesced: {
    name: "singleflight_coalesced_total",
    kind: "counter",
    help: "Calls that ended without having started an execution; with the executions they add up to calls.",
    labels: BY_PREFIX,
  },
  duration: {
    name: "singleflight_duration_seconds",
    kind: "histogram",
    help: "Calls, from the call to its answer.",
    labels: byPrefixAnd("coalesced", "coalesced"),
    buckets: DURATION_BUCKETS,
  },
  refused: {
    name: "singleflight_refused_total",
    kind: "counter",
    help: "Calls turned away before anything started: maxEntries, maxWaiters, re-entry, closed, maxKeyBytes.",
    labels: byPrefixAnd("reason", "refused"),
  },
  timeouts: {
    name: "singleflight_timeouts_total",
    kind: "counter",
    help: "Calls that ended at their timeoutMs.",
    labels: BY_PREFIX,
  },
  evicted: {
    name: "singleflight_evicted_total",
    kind: "counter",
    help: "Flights aborted because maxEntries were under way.",
    labels: BY_PREFIX,
  },
  bypassed: {
    name: "singleflight_bypassed_total",
    kind: "counter",
    help: "Calls that ran uncoalesced because maxEntries flights were under way.",
    labels: BY_PREFIX,
  },
  aged: {
    name: "singleflight_aged_total",
    kind: "counter",
    help: "Flights aborted because they were older than maxAgeMs.",
    labels: BY_PREFIX,
  },
  background: {
    name: "singleflight_background_total",
    kind: "counter",
    help: "Executions that no call started: a cache renewed an entry before its time.",
    labels: BY_PREFIX,
  },
};
