/** What a fleet tells of one key prefix. */
import type { MetricFamilies } from "./metric-families.ts";
import type { Observing, Tally } from "./tally.ts";

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
