/** What a process asks when it joins, or joins again: the terms of its prefix, and what it knows of the flight. */
import type { DeathEvidence, JoinRequest } from "./coordinator.ts";
import type { Fleet } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import type { Policy } from "./policy.ts";

/** A registration outlives this many polls that did not come. */
const POLLS_PER_REGISTRATION = 3;

/** What a follower knows when it joins again. */
export interface Rejoin {
  readonly firstGrant: number;
  readonly depose?: { readonly token: string; readonly beat: string; readonly evidence: DeathEvidence };
}

/** `rejoin`: none for a newcomer. */
export function joinRequest(
  { options: { pollEveryMs, redisTimeoutMs } }: Fleet,
  { leaseMs, maxTakeovers, abandonMs, freshMs, onLeaderLoss }: Policy,
  flight: FlightName,
  nonce: string,
  rejoin?: Rejoin,
): Omit<JoinRequest, "withinMs"> {
  return {
    flight,
    nonce,
    leaseMs,
    maxTakeovers,
    abandonMs,
    freshMs,
    firstGrant: rejoin?.firstGrant,
    registrationMs: pollEveryMs * POLLS_PER_REGISTRATION + redisTimeoutMs,
    takesOver: onLeaderLoss === "takeover",
    ...(rejoin?.depose === undefined ? {} : { depose: rejoin.depose }),
  };
}
