/**
 * Judges a history against the invariants of the protocol, as far as the recorded lines allow: a violation is proven by
 * lines, but a history without violations proves nothing about what was not recorded.
 */
import type { HistoryLine } from "./history.ts";
import {
  everyCallIsAnsweredInTime,
  noValueIsOlderThanItsCall,
  valuesAreWhatWasProduced,
} from "./invariants/answers.ts";
import {
  oneLeaderPerToken,
  onlyTheLastElectedIsHeard,
  outcomesNeverGoBackwards,
  takeoversAreLimited,
} from "./invariants/elections.ts";
import { everyOverlapHasACause, fallbackIsLimited, oneExecutionPerStampede } from "./invariants/overlaps.ts";
import { describeViolations, type Violation } from "./violation.ts";

export interface HistoryCheckOptions {
  /** No faults, cancellations or `forget`: then I5 is checked. Default: false. */
  undisturbed?: boolean;
  /** As configured; default 2. */
  maxTakeovers?: number;
  /** As configured, for each process; default: no limit. */
  maxFallbackConcurrency?: number;
  /** As configured; default 0. */
  freshMs?: number;
  /** For how long a wake-up may be under way; default 1_000. */
  wakeUpMs?: number;
  /** For how long a settle may be said that nobody tells of, as that of a run which adopted a lost join; default 0. */
  settleMs?: number;
  /** By how much a call may miss its deadline on a busy machine; default 2_000. */
  marginMs?: number;
  /** How much later than the overlap its cause may be recorded; default 250. */
  causeToleranceMs?: number;
}

/** All violations of I1 to I7, I9, I11 and I13 in a history as `readHistory` returns it. */
export function checkHistory(
  history: readonly HistoryLine[],
  {
    undisturbed = false,
    maxTakeovers = 2,
    maxFallbackConcurrency = Infinity,
    freshMs = 0,
    wakeUpMs = 1_000,
    settleMs = 0,
    marginMs = 2_000,
    causeToleranceMs = 250,
  }: HistoryCheckOptions = {},
): Violation[] {
  return [
    ...oneLeaderPerToken(history),
    ...onlyTheLastElectedIsHeard(history),
    ...outcomesNeverGoBackwards(history),
    ...noValueIsOlderThanItsCall(history, { freshMs, wakeUpMs, settleMs }),
    ...(undisturbed ? oneExecutionPerStampede(history) : []),
    ...everyOverlapHasACause(history, causeToleranceMs),
    ...valuesAreWhatWasProduced(history),
    ...everyCallIsAnsweredInTime(history, marginMs),
    ...takeoversAreLimited(history, maxTakeovers),
    ...fallbackIsLimited(history, maxFallbackConcurrency),
  ];
}

/** Throws an Error that lists the violations, when there are any. */
export function expectHistoryHolds(history: readonly HistoryLine[], options?: HistoryCheckOptions): void {
  const violations = checkHistory(history, options);
  if (violations.length === 0) return;
  throw new Error(`The history breaks invariants.\n${describeViolations(violations)}`);
}
