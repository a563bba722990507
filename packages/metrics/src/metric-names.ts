/**
 * Every metric that this package exports: name, kind, labels. The observers, the dashboard, the alert rules and the
 * README are held to this list by tests. No label ever holds a key.
 */
import { callMetrics, type CallMetricId } from "./call-metrics.ts";
import { cacheMetrics, type CacheMetricId } from "./cache-metrics.ts";
import {
  BY_PREFIX,
  byPrefixAnd,
  DURATION_BUCKETS,
  PREFIX,
  SIZE_BUCKETS,
  type MetricDefinition,
} from "./metric-definition.ts";

/** The short names that the observers use. */
export type MetricId =
  | CallMetricId
  | CacheMetricId
  | "flights"
  | "callDuration"
  | "takeovers"
  | "fallbacks"
  | "fallbacksRefused"
  | "fenced"
  | "leaseLost"
  | "missedWakeups"
  | "shadowSaved"
  | "wakeup"
  | "outcomeBytes"
  | "inflight"
  | "breakerState"
  | "linkUp"
  | "capabilityProblems"
  | "abandoned"
  | "waitTimeouts"
  | "unshareable"
  | "settleLost"
  | "extraSettles"
  | "resigned"
  | "abortsIgnored"
  | "rejected"
  | "prefixesOverLimit";

export const metricDefinitions: Readonly<Record<MetricId, MetricDefinition>> = {
  ...callMetrics,

  // What a fleet adds.
  flights: {
    name: "singleflight_cluster_flights_total",
    kind: "counter",
    help: "Flights that this process has answered its callers of, by its role in them and how they ended.",
    labels: [PREFIX, { label: "role", values: "role" }, { label: "outcome", values: "ending" }],
  },
  callDuration: {
    name: "singleflight_cluster_duration_seconds",
    kind: "histogram",
    help: "Calls, from the call to its answer, by the role that this process had.",
    labels: byPrefixAnd("role", "role"),
    buckets: DURATION_BUCKETS,
  },
  takeovers: {
    name: "singleflight_cluster_takeovers_total",
    kind: "counter",
    help: "Elections in which this process succeeded a leader that was lost or resigned.",
    labels: byPrefixAnd("reason", "takeover"),
  },
  fallbacks: {
    name: "singleflight_cluster_fallbacks_total",
    kind: "counter",
    help: "Flights that could not be coordinated, those refused for it included.",
    labels: byPrefixAnd("reason", "fallback"),
  },
  fallbacksRefused: {
    name: "singleflight_cluster_fallbacks_refused_total",
    kind: "counter",
    help: "Fallbacks that did not run: onUnavailable is error, or maxFallbackConcurrency was reached.",
    labels: byPrefixAnd("reason", "fallbackRefused"),
  },
  fenced: {
    name: "singleflight_cluster_fenced_total",
    kind: "counter",
    help: "Outcomes or renewals that came too late: somebody else had been elected.",
    labels: BY_PREFIX,
  },
  leaseLost: {
    name: "singleflight_cluster_lease_lost_total",
    kind: "counter",
    help: "Leaders that could no longer be sure to lead while their work was running.",
    labels: byPrefixAnd("reason", "leaseLost"),
  },
  missedWakeups: {
    name: "singleflight_cluster_missed_wakeups_total",
    kind: "counter",
    help: "Outcomes that a follower found by joining again: the wake-up was lost or late.",
    labels: BY_PREFIX,
  },
  shadowSaved: {
    name: "singleflight_cluster_shadow_saved_total",
    kind: "counter",
    help: "Executions in shadow mode that coordination would have saved.",
    labels: BY_PREFIX,
  },
  wakeup: {
    name: "singleflight_cluster_wakeup_seconds",
    kind: "histogram",
    help: "How long an outcome existed before its followers knew, as the leader or Redis measures it.",
    labels: BY_PREFIX,
    buckets: DURATION_BUCKETS,
  },
  outcomeBytes: {
    name: "singleflight_cluster_outcome_bytes",
    kind: "histogram",
    help: "Size of the outcomes that this process published.",
    labels: BY_PREFIX,
    buckets: SIZE_BUCKETS,
  },
  inflight: {
    name: "singleflight_cluster_inflight",
    kind: "gauge",
    help: "Executions under way in this process; over the fleet, what the resources behind it bear.",
    labels: BY_PREFIX,
  },
  breakerState: {
    name: "singleflight_cluster_breaker_state",
    kind: "gauge",
    help: "0 closed, 1 half-open, 2 open: Redis is not asked.",
    labels: [],
    aggregator: "max",
  },
  linkUp: {
    name: "singleflight_cluster_link_up",
    kind: "gauge",
    help: "1 while the connection is up.",
    labels: [{ label: "link", values: "link" }],
    aggregator: "min",
  },
  capabilityProblems: {
    name: "singleflight_cluster_capability_problems",
    kind: "gauge",
    help: "Rights and server settings that were found wanting at start.",
    labels: [{ label: "kind", values: "capability" }],
    aggregator: "max",
  },
  abandoned: {
    name: "singleflight_cluster_abandoned_total",
    kind: "counter",
    help: "Flights refused because their key had lost more than maxTakeovers leaders.",
    labels: BY_PREFIX,
  },
  waitTimeouts: {
    name: "singleflight_cluster_wait_timeouts_total",
    kind: "counter",
    help: "Followers that waited waitTimeoutMs for one leader.",
    labels: BY_PREFIX,
  },
  unshareable: {
    name: "singleflight_cluster_unshareable_total",
    kind: "counter",
    help: "Outcomes that stayed in their process: larger than maxOutcomeBytes, or not encodable.",
    labels: byPrefixAnd("reason", "unshareable"),
  },
  settleLost: {
    name: "singleflight_cluster_settle_lost_total",
    kind: "counter",
    help: "Outcomes that could not be published: no answer from Redis for as long as it could matter.",
    labels: BY_PREFIX,
  },
  extraSettles: {
    name: "singleflight_cluster_extra_settles_total",
    kind: "counter",
    help: "Further requests for outcomes with more followers than one settle wakes.",
    labels: BY_PREFIX,
  },
  resigned: {
    name: "singleflight_cluster_resigned_total",
    kind: "counter",
    help: "Leaders that gave their place up.",
    labels: byPrefixAnd("reason", "resign"),
  },
  abortsIgnored: {
    name: "singleflight_cluster_aborts_ignored_total",
    kind: "counter",
    help: "Work that ended with a value although it had been aborted.",
    labels: BY_PREFIX,
  },
  rejected: {
    name: "singleflight_cluster_rejected_total",
    kind: "counter",
    help: "Data that arrived and was not used, as if it were not there.",
    labels: byPrefixAnd("reason", "rejected"),
  },

  ...cacheMetrics,

  // What this package tells about itself.
  prefixesOverLimit: {
    name: "singleflight_prefixes_over_limit_total",
    kind: "counter",
    help: "Events counted as key_prefix other because maxPrefixes prefixes had been seen.",
    labels: [],
  },
};

/** The names as they are exported, without the suffixes of histograms. */
export const metricNames: readonly string[] = Object.values(metricDefinitions).map(({ name }) => name);
