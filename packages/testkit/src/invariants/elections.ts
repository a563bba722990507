/** I1, I2, I3, I11: who was elected, and whose outcomes counted. */
import type { HistoryLine } from "../history.ts";
import { linesWith } from "../line-index.ts";
import { dataLossesOf } from "../occurrences.ts";
import { grantOf } from "../token.ts";
import type { Violation } from "../violation.ts";

const leadOfKey = ({ ev, key }: HistoryLine): string | undefined => (ev === "lead" ? key : undefined);
const leadOfToken = ({ ev, key, token }: HistoryLine): string | undefined =>
  ev === "lead" ? JSON.stringify([key, token]) : undefined;

/** I1: for one key and token, at most one process was told to lead. The same process may be told again. */
export function oneLeaderPerToken(history: readonly HistoryLine[]): Violation[] {
  const first = new Map<string, HistoryLine>();
  const violations: Violation[] = [];
  for (const line of history) {
    if (line.ev !== "lead") continue;
    const election = JSON.stringify([line.key, line.token]);
    const earlier = first.get(election);
    if (earlier === undefined) {
      first.set(election, line);
    } else if (earlier.process !== line.process) {
      const message = `two processes were told to lead under one token, ${line.token}`;
      violations.push({ invariant: "I1", message, lines: [earlier, line] });
    }
  }
  return violations;
}

/**
 * I2: a settle or renewal is accepted only while nobody was elected after its token, and one settle per token changes
 * anything. Proven only when the later election was known to somebody before the request left.
 */
export function onlyTheLastElectedIsHeard(history: readonly HistoryLine[]): Violation[] {
  const losses = dataLossesOf(history);
  const isLater = laterElection(history);
  const leadsBefore = knownLeads(history);
  const sentAt = sendingTimes(history);
  const settled = new Map<string, HistoryLine>();
  const violations: Violation[] = [];
  for (const line of history) {
    if (line.ev !== "settle-accepted" && line.ev !== "renew-accepted") continue;
    const [own] = linesWith(history, leadOfToken, JSON.stringify([line.key, line.token]));
    const known = leadsBefore(line.key, sentAt(line));
    // Without a loss of data, only a higher grant is a later one: most lines need no closer look.
    const mayBeLater =
      known.highestGrant > grantIn(line) ||
      (own !== undefined && losses.some(({ from, until }) => from > own.tMono && until < sentAt(line)));
    const since = mayBeLater ? known.leads().find((lead) => isLater(lead, line)) : undefined;
    if (since !== undefined && line.already !== true) {
      const message = `${line.ev} for ${line.token}, although ${since.token} had been elected since`;
      violations.push({ invariant: "I2", message, lines: [since, line] });
    }
    if (line.ev !== "settle-accepted" || line.already === true) continue;
    const token = JSON.stringify([line.key, line.token]);
    const earlier = settled.get(token);
    if (earlier !== undefined) {
      const message = `two settles of ${line.token} changed something`;
      violations.push({ invariant: "I2", message, lines: [earlier, line] });
    }
    settled.set(token, line);
  }
  return violations;
}

/** I3: no settle of an earlier grant is accepted after one of a later grant, unless Redis lost its data in between. */
export function outcomesNeverGoBackwards(history: readonly HistoryLine[]): Violation[] {
  const latest = new Map<string, HistoryLine>();
  const sentAt = sendingTimes(history);
  const violations: Violation[] = [];
  for (const line of history) {
    if (line.fault === "redis-lost-data") latest.clear();
    if (line.ev !== "settle-accepted" || line.already === true) continue;
    const before = latest.get(line.key);
    if (before !== undefined && grantIn(before) > grantIn(line)) {
      // The replies may have come in another order than the settles were carried out.
      if (before.tMono >= sentAt(line)) continue;
      const message = `the outcome of ${line.token} was accepted after that of ${before.token}`;
      violations.push({ invariant: "I3", message, lines: [before, line] });
    } else {
      latest.set(line.key, line);
    }
  }
  return violations;
}

/**
 * I11: no flight is taken over more often than `maxTakeovers`: neither as the server counts nor as we do. A leader that
 * resigned does not count unless it was too old; after "abandoned" one more is let through.
 */
export function takeoversAreLimited(history: readonly HistoryLine[], maxTakeovers: number): Violation[] {
  const flights = new Map<string, { takeovers: HistoryLine[]; allowed: number; aged: boolean }>();
  const flightOf = (key: string) => {
    const flight = flights.get(key) ?? { takeovers: [], allowed: maxTakeovers, aged: false };
    flights.set(key, flight);
    return flight;
  };
  const violations: Violation[] = [];
  for (const line of history) {
    if (line.fault === "redis-lost-data") flights.clear();
    if (line.ev === "settle-accepted" || line.ev === "forgotten") flights.delete(line.key);
    if (line.ev === "aged") flightOf(line.key).aged = true;
    if (line.ev === "abandoned") flights.set(line.key, { takeovers: [], allowed: 1, aged: false });
    if ((line.takeovers ?? 0) > maxTakeovers) {
      const message = `the server counted ${line.takeovers} takeovers of a flight; ${maxTakeovers} are allowed`;
      violations.push({ invariant: "I11", message, lines: [line] });
    }
    if (line.ev !== "takeover") continue;
    const flight = flightOf(line.key);
    if (line.reason === "resigned" && !flight.aged) continue;
    flight.aged = false;
    flight.takeovers.push(line);
    if (flight.takeovers.length > flight.allowed) {
      const message = `${flight.takeovers.length} takeovers of one flight; ${flight.allowed} are allowed`;
      violations.push({ invariant: "I11", message, lines: [...flight.takeovers] });
    }
  }
  return violations;
}

/**
 * By the grants. Without a loss of data between the two elections, a lower number is that of an earlier one, however long
 * its reply was under way. Numbers may repeat after a loss: where one certainly lies between the news of two elections,
 * the later news are of the later one; where one may, nothing is proven by news that came before.
 */
function laterElection(history: readonly HistoryLine[]): (lead: HistoryLine, line: HistoryLine) => boolean {
  const losses = dataLossesOf(history);
  return (lead, line) => {
    const isHigher = grantIn(lead) > grantIn(line);
    const [own] = linesWith(history, leadOfToken, JSON.stringify([line.key, line.token]));
    if (own === undefined || lead.token === line.token) return isHigher;
    if (lead.tMono <= own.tMono) {
      return isHigher && !losses.some(({ from, until }) => until >= lead.tMono && from <= own.tMono);
    }
    return isHigher || losses.some(({ from, until }) => from > own.tMono && until < lead.tMono);
  };
}

/** What was known of elections of a key before a moment: the news, and the highest grant among them. */
function knownLeads(
  history: readonly HistoryLine[],
): (key: string, moment: number) => { leads(): readonly HistoryLine[]; readonly highestGrant: number } {
  const highest = new Map<string, number[]>();
  const highestOf = (key: string, leads: readonly HistoryLine[]): number[] => {
    let present = highest.get(key);
    if (present === undefined) {
      let soFar = -Infinity;
      present = leads.map((lead) => (soFar = Math.max(soFar, grantIn(lead))));
      highest.set(key, present);
    }
    return present;
  };
  return (key, moment) => {
    const leads = linesWith(history, leadOfKey, key);
    const count = countBefore(leads, moment);
    return {
      leads: () => leads.slice(0, count),
      highestGrant: highestOf(key, leads)[count - 1] ?? -Infinity,
    };
  };
}

/** Of lines in order of time. */
function countBefore(lines: readonly HistoryLine[], moment: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle]?.tMono ?? Infinity) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The latest moment before which a request is known not to have left; -Infinity when nothing is known. */
function sendingTimes(history: readonly HistoryLine[]): (line: HistoryLine) => number {
  const ends = history.filter(({ ev }) => ev === "end");
  const endedAt = new Map(ends.map(({ key, token, tMono }) => [JSON.stringify([key, token]), tMono]));
  return ({ ev, key, token, tSent }) => {
    // A settle follows the end of the work.
    const known = ev === "settle-accepted" ? endedAt.get(JSON.stringify([key, token])) : undefined;
    return tSent ?? known ?? -Infinity;
  };
}

function grantIn({ token = "" }: HistoryLine): number {
  return grantOf(token);
}
