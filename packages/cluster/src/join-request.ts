/** What a process asks when it joins a flight, for the first time or again. */
import type { DeathEvidence, JoinRequest } from "./coordinator.ts";
import type { EntryPart } from "./entry/entry-part.ts";
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

/** `rejoin`: undefined for a newcomer. `closing`: it waits for an outcome only, whoever leads. */
export function joinRequest(
  options: {
    readonly fleet: Fleet;
    readonly policy: Policy;
    readonly name: FlightName;
    readonly entry?: EntryPart | undefined;
  },
  nonce: string,
  rejoin: Rejoin | undefined,
  closing: boolean = false,
): Omit<JoinRequest, "withinMs"> {
  const { fleet, policy, name, entry } = options;
  const { leaseMs, maxTakeovers, abandonMs, freshMs, onLeaderLoss } = policy;
  return {
    flight: name,
    nonce,
    leaseMs,
    maxTakeovers,
    abandonMs,
    freshMs,
    firstGrant: rejoin?.firstGrant,
    registrationMs: fleet.options.pollEveryMs * POLLS_PER_REGISTRATION + fleet.options.redisTimeoutMs,
    takesOver: onLeaderLoss === "takeover" && !closing,
    // Whoever joins again has seen what there was.
    ...(entry === undefined ? {} : { entry: { ...entry.question, reads: rejoin === undefined } }),
    ...(rejoin?.depose === undefined ? {} : { depose: rejoin.depose }),
  };
}
