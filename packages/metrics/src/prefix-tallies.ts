/**
 * The numbers of one key prefix. Whatever can be counted is exported at zero as soon as the prefix is known, so that
 * the first event of its kind shows as a change: a rate sees no change in a series that begins at one.
 */
import type { MetricFamilies } from "./metric-families.ts";
import type { Observing, Tally } from "./tally.ts";

/** What core tells of a prefix, and of flights in any role. */
export class PrefixTallies {
  readonly started: Tally;
  readonly coalesced: Tally;
  readonly timeouts: Tally;
  readonly evicted: Tally;
  readonly bypassed: Tally;
  readonly aged: Tally;
  readonly inflight: Tally;
  readonly refused: ReadonlyMap<string, Tally>;
  readonly #families: MetricFamilies;
  readonly #prefix: string;
  readonly #distributions = new Map<string, Observing>();
  readonly #flights = new Map<string, Map<string, Tally>>();
  #cluster: ClusterTallies | undefined;

  constructor(families: MetricFamilies, prefix: string) {
    this.#families = families;
    this.#prefix = prefix;
    this.started = families.tally("started", prefix);
    this.coalesced = families.tally("coalesced", prefix);
    this.timeouts = families.tally("timeouts", prefix);
    this.evicted = families.tally("evicted", prefix);
    this.bypassed = families.tally("bypassed", prefix);
    this.aged = families.tally("aged", prefix);
    this.inflight = families.tally("inflight", prefix);
    this.refused = families.tallies("refused", "refused", prefix);
  }

  /** What a fleet tells of this prefix; exported from the first time it is asked for. */
  get cluster(): ClusterTallies {
    return (this.#cluster ??= new ClusterTallies(this.#families, this.#prefix));
  }

  duration(coalesced: boolean): Observing {
    return this.#distribution("duration", coalesced ? "true" : "false");
  }

  callDuration(role: string): Observing {
    return this.#distribution("callDuration", role);
  }

  flights(role: string, outcome: string): Tally {
    let byOutcome = this.#flights.get(role);
    if (byOutcome === undefined) this.#flights.set(role, (byOutcome = new Map<string, Tally>()));
    let tally = byOutcome.get(outcome);
    if (tally === undefined) {
      tally = this.#families.tally("flights", this.#prefix, role, outcome);
      byOutcome.set(outcome, tally);
    }
    return tally;
  }

  /** Values of the two sets differ, so the value alone finds the child. */
  #distribution(id: "duration" | "callDuration", value: string): Observing {
    let distribution = this.#distributions.get(value);
    if (distribution === undefined) {
      distribution = this.#families.distribution(id, this.#prefix, value);
      this.#distributions.set(value, distribution);
    }
    return distribution;
  }
}

export class ClusterTallies {
  readonly takeovers: ReadonlyMap<string, Tally>;
  readonly fallbacks: ReadonlyMap<string, Tally>;
  readonly fallbacksRefused: ReadonlyMap<string, Tally>;
  readonly leaseLost: ReadonlyMap<string, Tally>;
  readonly unshareable: ReadonlyMap<string, Tally>;
  readonly resigned: ReadonlyMap<string, Tally>;
  readonly rejected: ReadonlyMap<string, Tally>;
  readonly fenced: Tally;
  readonly missedWakeups: Tally;
  readonly shadowSaved: Tally;
  readonly abandoned: Tally;
  readonly waitTimeouts: Tally;
  readonly settleLost: Tally;
  readonly extraSettles: Tally;
  readonly abortsIgnored: Tally;
  readonly wakeup: Observing;
  readonly outcomeBytes: Observing;

  constructor(families: MetricFamilies, prefix: string) {
    this.takeovers = families.tallies("takeovers", "takeover", prefix);
    this.fallbacks = families.tallies("fallbacks", "fallback", prefix);
    this.fallbacksRefused = families.tallies("fallbacksRefused", "fallbackRefused", prefix);
    this.leaseLost = families.tallies("leaseLost", "leaseLost", prefix);
    this.unshareable = families.tallies("unshareable", "unshareable", prefix);
    this.resigned = families.tallies("resigned", "resign", prefix);
    this.rejected = families.tallies("rejected", "rejected", prefix);
    this.fenced = families.tally("fenced", prefix);
    this.missedWakeups = families.tally("missedWakeups", prefix);
    this.shadowSaved = families.tally("shadowSaved", prefix);
    this.abandoned = families.tally("abandoned", prefix);
    this.waitTimeouts = families.tally("waitTimeouts", prefix);
    this.settleLost = families.tally("settleLost", prefix);
    this.extraSettles = families.tally("extraSettles", prefix);
    this.abortsIgnored = families.tally("abortsIgnored", prefix);
    this.wakeup = families.distribution("wakeup", prefix);
    this.outcomeBytes = families.distribution("outcomeBytes", prefix);
  }
}
