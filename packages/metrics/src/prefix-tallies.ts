/**
 * The numbers of one key prefix. Whatever can be counted is exported at zero as soon as the prefix is known, so that
 * the first event of its kind shows as a change: a rate sees no change in a series that begins at one.
 */
import { CacheTallies } from "./cache-tallies.ts";
import { ClusterTallies } from "./cluster-tallies.ts";
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
  readonly background: Tally;
  readonly inflight: Tally;
  readonly refused: ReadonlyMap<string, Tally>;
  readonly #families: MetricFamilies;
  readonly #prefix: string;
  readonly #distributions = new Map<string, Observing>();
  readonly #flights = new Map<string, Map<string, Tally>>();
  #cluster: ClusterTallies | undefined;
  #cache: CacheTallies | undefined;

  constructor(families: MetricFamilies, prefix: string) {
    this.#families = families;
    this.#prefix = prefix;
    this.started = families.tally("started", prefix);
    this.coalesced = families.tally("coalesced", prefix);
    this.timeouts = families.tally("timeouts", prefix);
    this.evicted = families.tally("evicted", prefix);
    this.bypassed = families.tally("bypassed", prefix);
    this.aged = families.tally("aged", prefix);
    this.background = families.tally("background", prefix);
    this.inflight = families.tally("inflight", prefix);
    this.refused = families.tallies("refused", "refused", prefix);
  }

  /** What a fleet tells of this prefix; exported from the first time it is asked for. */
  get cluster(): ClusterTallies {
    return (this.#cluster ??= new ClusterTallies(this.#families, this.#prefix));
  }

  /** What a cache tells of this prefix; the same holds. */
  get cache(): CacheTallies {
    return (this.#cache ??= new CacheTallies(this.#families, this.#prefix));
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
