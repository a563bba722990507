/**
 * Which event counts for what. The numbers go wherever the families lead: to a Prometheus registry, or to an
 * OpenTelemetry meter. Durations come with the events, so no clock is read here.
 */
import type { CacheEvent } from "@skein/cache";
import type { ClusterEvent } from "@skein/cluster";
import type { FlightEvent } from "@skein/core";
import { OTHER_PREFIX } from "./label-values.ts";
import type { MetricFamilies } from "./metric-families.ts";
import { PrefixTallies } from "./prefix-tallies.ts";
import type { Tally } from "./tally.ts";

const DEFAULT_MAX_PREFIXES = 100;
const BREAKER_STATES = { closed: 0, "half-open": 1, open: 2 } as const;

export interface LedgerOptions {
  /**
   * Prefixes whose counters are exported at zero from the start, as those of "other" are. Default none: a prefix appears
   * with its first event, and a rate over its counters misses what is counted before the first scrape.
   */
  prefixes?: readonly string[];
  /**
   * Different prefixes at most, "other" aside. Integer, 1 to 10_000, default 100: a `keyPrefixOf` that returns keys must
   * not make as many series as there are keys. What comes beyond is counted as "other", and in
   * `singleflight_prefixes_over_limit_total`.
   */
  maxPrefixes?: number;
}

/** Everything that Skein's packages tell. */
export type SkeinEvent = ClusterEvent | CacheEvent;

export class Ledger {
  readonly #families: MetricFamilies;
  readonly #maxPrefixes: number;
  readonly #prefixes = new Map<string, PrefixTallies>();
  readonly #prefixesOverLimit: Tally;
  readonly #breakerState: Tally;
  readonly #links: Map<string, Tally> = new Map<string, Tally>();
  #capabilities: ReadonlyMap<string, Tally> | undefined;
  /** A fleet has told something: its metrics are exported too. */
  #inFleet = false;
  /** The same of a cache. */
  #inCache = false;

  /** `options`: checked. */
  constructor(families: () => MetricFamilies, options: LedgerOptions) {
    const { prefixes = [], maxPrefixes = DEFAULT_MAX_PREFIXES } = options;
    this.#maxPrefixes = maxPrefixes;
    this.#families = families();
    this.#prefixesOverLimit = this.#families.tally("prefixesOverLimit");
    this.#breakerState = this.#families.tally("breakerState");
    for (const prefix of [OTHER_PREFIX, ...prefixes]) this.#at(prefix);
  }

  record(told: SkeinEvent): void {
    switch (told.type) {
      case "execution-started": {
        const at = this.#at(told.keyPrefix);
        at.started.add();
        at.inflight.add();
        if (told.background === true) at.background.add();
        return;
      }
      case "execution-ended":
        this.#at(told.keyPrefix).inflight.add(-1);
        return;
      case "call-ended": {
        const at = this.#at(told.keyPrefix);
        const seconds = told.waitedMs / 1_000;
        if (told.coalesced) at.coalesced.add();
        if (told.ending === "timeout") at.timeouts.add();
        at.duration(told.coalesced).observe(seconds);
        at.callDuration(told.role).observe(seconds);
        return;
      }
      case "flight-ended":
        this.#at(told.keyPrefix).flights(told.role, told.ending).add();
        return;
      case "call-refused":
        this.#at(told.keyPrefix).refused.get(told.why)?.add();
        return;
      case "flight-evicted":
        this.#at(told.keyPrefix).evicted.add();
        return;
      case "flight-bypassed":
        this.#at(told.keyPrefix).bypassed.add();
        return;
      case "flight-aged":
        this.#at(told.keyPrefix).aged.add();
        return;
      case "call-started":
      case "flight-unwanted":
      case "flight-forgotten":
        return;
      case "hit":
      case "miss":
      case "refresh":
      case "bypass":
      case "written":
      case "not-written":
      case "broken":
      case "read-failed":
        this.#onCacheEvent(told);
        return;
      default:
        this.#onFleetEvent(told);
    }
  }

  #onCacheEvent(told: CacheEvent): void {
    if (!this.#inCache) {
      this.#inCache = true;
      for (const tallies of this.#prefixes.values()) void tallies.cache;
    }
    this.#at(told.keyPrefix).cache.record(told);
  }

  #onFleetEvent(told: Exclude<ClusterEvent, FlightEvent>): void {
    if (!this.#inFleet) this.#enterFleet();
    switch (told.type) {
      case "breaker":
        this.#breakerState.set(BREAKER_STATES[told.state]);
        return;
      case "link":
        this.#link(told.link).set(told.state === "up" ? 1 : 0);
        return;
      case "capabilities":
        this.#capabilities?.get("missing")?.set(told.missing.length);
        this.#capabilities?.get("warning")?.set(told.warnings.length);
        return;
      case "takeover":
        this.#at(told.keyPrefix).cluster.takeovers.get(told.reason)?.add();
        return;
      case "settle-accepted": {
        const { cluster } = this.#at(told.keyPrefix);
        cluster.outcomeBytes.observe(told.bytes);
        if (told.woken > 0) cluster.wakeup.observe(told.tookMs / 1_000);
        if (told.settles > 1) cluster.extraSettles.add(told.settles - 1);
        return;
      }
      case "settle-fenced":
        this.#at(told.keyPrefix).cluster.fenced.add();
        return;
      case "settle-lost":
        this.#at(told.keyPrefix).cluster.settleLost.add();
        return;
      case "lease-lost":
        this.#at(told.keyPrefix).cluster.leaseLost.get(told.why)?.add();
        return;
      case "resign":
        this.#at(told.keyPrefix).cluster.resigned.get(told.reason)?.add();
        return;
      case "fallback":
        this.#at(told.keyPrefix).cluster.fallbacks.get(told.reason)?.add();
        return;
      case "fallback-refused":
        this.#at(told.keyPrefix).cluster.fallbacksRefused.get(told.why)?.add();
        return;
      case "wait-timeout":
        this.#at(told.keyPrefix).cluster.waitTimeouts.add();
        return;
      case "abandoned":
        this.#at(told.keyPrefix).cluster.abandoned.add();
        return;
      case "woken":
        if (told.sinceSettledMs === undefined) return;
        this.#at(told.keyPrefix).cluster.wakeup.observe(told.sinceSettledMs / 1_000);
        return;
      case "wakeup-missed": {
        const { cluster } = this.#at(told.keyPrefix);
        cluster.missedWakeups.add();
        cluster.wakeup.observe(told.sinceSettledMs / 1_000);
        return;
      }
      case "unshareable":
        this.#at(told.keyPrefix).cluster.unshareable.get(told.why)?.add();
        return;
      case "abort-ignored":
        this.#at(told.keyPrefix).cluster.abortsIgnored.add();
        return;
      case "shadow-saved":
        this.#at(told.keyPrefix).cluster.shadowSaved.add();
        return;
      case "rejected":
        this.#at(told.keyPrefix).cluster.rejected.get(told.why)?.add();
        return;
      case "lead":
      case "follow":
      // Counted where they were missed.
      case "wakeup-lost":
        return;
    }
  }

  #at(prefix: string): PrefixTallies {
    return this.#prefixes.get(prefix) ?? this.#newPrefix(prefix);
  }

  #newPrefix(prefix: string): PrefixTallies {
    // One more, for "other", which is always there.
    if (this.#prefixes.size > this.#maxPrefixes) {
      this.#prefixesOverLimit.add();
      return this.#at(OTHER_PREFIX);
    }
    const tallies = new PrefixTallies(this.#families, prefix);
    // Not lazily: its counters begin at zero.
    if (this.#inFleet) void tallies.cluster;
    if (this.#inCache) void tallies.cache;
    this.#prefixes.set(prefix, tallies);
    return tallies;
  }

  #enterFleet(): void {
    this.#inFleet = true;
    this.#capabilities = this.#families.tallies("capabilityProblems", "capability");
    for (const tallies of this.#prefixes.values()) void tallies.cluster;
  }

  #link(name: string): Tally {
    let tally = this.#links.get(name);
    if (tally === undefined) {
      tally = this.#families.tally("linkUp", name);
      this.#links.set(name, tally);
    }
    return tally;
  }
}
