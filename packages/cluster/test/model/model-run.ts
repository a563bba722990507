/** The checks of the model: a claim, under what it is checked, and whether it has to hold there. */

/** A claim of claims.pml. */
export type Claim =
  | "answered"
  | "once"
  | "ordered"
  | "fenced"
  | "fresh"
  | "bounded"
  | "rightlyAbandoned"
  | "neverTakenOver"
  | "neverAbandoned"
  | "neverTogether";

export interface ModelRun {
  readonly claim: Claim;
  /** Switches of flight.pml; `NAME` or `NAME=n`. */
  readonly switches: readonly string[];
  /** "fails": something that the claim rests on is missing, and Spin has to find out. */
  readonly expected: "holds" | "fails";
  /** Few enough states for every run of the tests. */
  readonly small: boolean;
}

function holds(claim: Claim, ...switches: string[]): ModelRun {
  return { claim, switches, expected: "holds", small: false };
}

function fails(claim: Claim, ...switches: string[]): ModelRun {
  return { claim, switches, expected: "fails", small: false };
}

/** Among the checks that the tests make. */
function small(run: ModelRun): ModelRun {
  return { ...run, small: true };
}

export const MODEL_RUNS: readonly ModelRun[] = [
  small(holds("answered")),
  small(holds("answered", "NOPOLL")),
  small(holds("once")),
  // A subscriber drops: wake-ups are lost, and an inbox is empty although its process lives.
  holds("answered", "DROPS=1"),
  small(fails("answered", "DROPS=1", "NOPOLL")),
  holds("once", "DROPS=2"),
  small(fails("once", "DROPS=2", "NOBEAT")),
  holds("answered", "DROPS=1", "CRASHES=1"),
  // Leaders die: bounded takeovers.
  small(holds("answered", "CRASHES=1")),
  small(fails("answered", "CRASHES=1", "NOPOLL")),
  small(holds("once", "CRASHES=1")),
  small(holds("bounded", "CRASHES=3")),
  small(fails("bounded", "CRASHES=3", "NOBOUND")),
  holds("rightlyAbandoned", "CRASHES=3"),
  holds("answered", "CRASHES=2", "PROBE", "MAXTK=0"),
  holds("bounded", "CRASHES=3", "PROBE", "MAXTK=0"),
  // Nobody can see who listens: lists, Redis Cluster.
  holds("answered", "LISTED", "CRASHES=1"),
  holds("answered", "LISTED", "CRASHES=1", "DROPS=1"),
  // Leases that do not end by themselves: the server's clock stands still, or somebody has made them last.
  holds("answered", "STUCK", "CRASHES=1", "LISTED"),
  holds("once", "STUCK", "CRASHES=1"),
  // Leaders are stopped past their lease, and come back: their deaths are withdrawn.
  holds("answered", "PAUSES=1"),
  holds("fenced", "PAUSES=1"),
  holds("ordered", "PAUSES=2"),
  small(holds("rightlyAbandoned", "PAUSES=2")),
  small(fails("rightlyAbandoned", "PAUSES=2", "NOWITHDRAW")),
  // Leases end early: a clock jumps, a key is evicted.
  holds("answered", "EARLY=1", "PAUSES=1"),
  small(holds("ordered", "EARLY=2")),
  small(fails("ordered", "EARLY=2", "NOFENCE")),
  fails("fenced", "EARLY=2", "NOFENCE"),
  holds("fenced", "EARLY=2"),
  // A replica that is behind, its clock too, becomes primary.
  holds("answered", "FAILOVER"),
  holds("fenced", "FAILOVER"),
  small(fails("fenced", "FAILOVER", "TOKONLY")),
  holds("fresh", "FAILOVER"),
  holds("bounded", "FAILOVER", "CRASHES=1"),
  // Commands are lost, and sent again.
  holds("answered", "LOSSES=1", "RESEND"),
  small(fails("answered", "LOSSES=1", "RESEND", "NONONCE")),
  holds("rightlyAbandoned", "LOSSES=1", "RESEND", "MAXTK=0"),
  holds("answered", "LOSSES=1"),
  holds("ordered", "LOSSES=2"),
  holds("fenced", "LOSSES=2"),
  holds("answered", "LOSTSETTLES=1"),
  holds("fresh", "LOSTSETTLES=2"),
  // Pointers, and outcomes that are not retained for long enough.
  holds("answered", "POINTERS"),
  holds("answered", "POINTERS", "RETAINS=1"),
  holds("once", "POINTERS", "RETAINS=1"),
  // Leaders close; callers leave; somebody forgets.
  small(holds("answered", "RESIGNS=1")),
  holds("answered", "RESIGNS=1", "RETAINS=1"),
  holds("once", "RESIGNS=2", "CRASHES=1"),
  holds("answered", "LEAVES=2"),
  holds("once", "LEAVES=2", "CRASHES=1"),
  holds("answered", "FORGETS=1"),
  small(holds("fresh", "FORGETS=1")),
  holds("fresh", "FORGETS=1", "RETAINS=1", "CRASHES=1"),
  // Several at once.
  holds("once", "CRASHES=1", "DROPS=1", "RESIGNS=1"),
  holds("answered", "CRASHES=1", "DROPS=1", "RESIGNS=1"),
  holds("ordered", "CRASHES=1", "DROPS=1", "PAUSES=1", "RESIGNS=1"),
  holds("fresh", "CRASHES=1", "FORGETS=1", "LEAVES=1", "LOSTSETTLES=1"),
  holds("answered", "CRASHES=1", "PAUSES=1", "LOSTSETTLES=1"),
  // What the claims speak of does come about: else they would hold of nothing.
  small(fails("neverTakenOver", "CRASHES=1")),
  fails("neverAbandoned", "CRASHES=3"),
  small(fails("neverTogether", "PAUSES=1")),
];

export function nameOf({ claim, switches }: ModelRun): string {
  return [claim, ...switches].join(" ");
}
