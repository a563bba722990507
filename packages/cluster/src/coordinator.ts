/**
 * What a fleet agrees on, as six operations on one flight. Each is atomic. Implemented over one Redis and in memory,
 * and held to one contract suite. Losing an election is a value; only a coordinator that cannot be asked rejects.
 *
 * Not promised: that a reply arrives, or arrives once. Every operation may be repeated with the same arguments: the
 * nonce of an attempt tells a repetition from a new one. Durations are the server's; the caller's clock never counts.
 */
import type { FlightName } from "./flight-keys.ts";

/** How a process is woken; one letter, as it is stored with each registration. */
export type Transport = "p" | "l";

/** Why the caller holds its leader for dead. */
export type DeathEvidence =
  /** The beat has not changed for one lease of the follower's own clock. */
  | "beat"
  /** Nobody has been subscribed to the leader's inbox for the whole grace. */
  | "inbox";

export interface JoinRequest {
  readonly flight: FlightName;
  /** Lower-case base 36, chosen per attempt; kept by a follower for all its re-joins. */
  readonly nonce: string;
  /** The join is void when it reaches the server later than this: nobody waits for its reply any more. */
  readonly withinMs: number;
  readonly leaseMs: number;
  readonly maxTakeovers: number;
  readonly abandonMs: number;
  /** A newcomer takes an outcome younger than this. */
  readonly freshMs: number;
  /** Grant of the flight that the caller first followed; undefined for a newcomer. */
  readonly firstGrant: number | undefined;
  /** A registration not refreshed for so long counts as gone. */
  readonly registrationMs: number;
  /** False: a follower whose leader is lost is told so instead of succeeding it. */
  readonly takesOver: boolean;
  /** The leader to depose, if token and beat still agree (and its inbox is still empty, if that was the evidence). */
  readonly depose?: { readonly token: string; readonly beat: string; readonly evidence: DeathEvidence };
  /** Asked by a cache: an entry that will do is a reply, and what there is comes along. */
  readonly entry?: EntryQuestion;
}

export interface EntryQuestion {
  /** Id of an entry that will not do; "*": none will. */
  readonly seen: string;
  /** Bring its bytes along. */
  readonly reads: boolean;
  /** An entry past its time by less will do for a newcomer while somebody else renews it, or its renewal has to wait. */
  readonly staleMs: number;
}

/** The cache entry as a join that asked for it found it. */
export interface EntryGlimpse {
  /** Head, line feed, envelope, read just before the join; `undefined` also when nobody asked for them. */
  readonly bytes: Uint8Array | undefined;
  /** Until it is past its time; negative afterwards. Known with "hit" and, if there was an entry, with "lead". */
  readonly leftMs: number | undefined;
  /** Of the entry that the join saw; with "hit" only. It may be a later one than that of `bytes`. */
  readonly id: string | undefined;
}

export type JoinReply = JoinVerdict & { readonly entry?: EntryGlimpse };

export type JoinVerdict =
  | { readonly status: "lead"; readonly token: string; readonly takeovers: number }
  | {
      readonly status: "follow";
      readonly token: string;
      /** What is left of the lease. */
      readonly remainingMs: number;
      readonly beat: string;
      /** How the leader is woken; "" when unknown. */
      readonly leaderTransport: Transport | "";
      /** The lease that the leader keeps, which another release may have set; 0 when unknown. */
      readonly leaderLeaseMs: number;
    }
  | {
      readonly status: "settled";
      readonly token: string;
      readonly outcome: Uint8Array;
      readonly ageMs: number;
    }
  /** The cache entry will do; see `entry`. */
  | { readonly status: "hit" }
  | { readonly status: "abandoned"; readonly takeovers: number; readonly retryAfterMs: number }
  /** The leader that the caller followed is lost, and the caller does not take over. */
  | { readonly status: "lost" }
  | { readonly status: "stale" };

export interface RenewRequest {
  readonly flight: FlightName;
  readonly token: string;
  readonly leaseMs: number;
  readonly maxTakeovers: number;
}

export type RenewReply =
  /** `followers`: live registrations of other processes or flights. */
  | { readonly status: "held"; readonly followers: number }
  | { readonly status: "fenced" }
  | { readonly status: "forgotten" };

/** A token, or the nonce of a join whose reply never came. */
export type Claim = { readonly token: string } | { readonly nonce: string };

export interface SettleRequest {
  readonly flight: FlightName;
  readonly claim: Claim;
  readonly outcome: Uint8Array;
  /** An outcome that tells everybody to run alone; newcomers are told too while it is retained. */
  readonly unshareable: boolean;
  /** An error: kept for followers, but no newcomer gets it, however fresh. */
  readonly failed?: boolean;
  readonly retainMs: number;
  /** Larger outcomes are fetched by their followers instead of being sent to them. */
  readonly inlineMaxBytes: number;
  /** Written with the outcome behind it if the settlement is accepted. */
  readonly entry?: EntryWrite;
  /** After a failure: how long nobody tries again to renew an entry that is past its time; longer after further ones. */
  readonly refreshBackoffMs?: number;
}

export interface EntryWrite {
  /** `<id> <graceMs> …`: fresh until `graceMs` before its end. */
  readonly head: string;
  readonly ttlMs: number;
}

export interface SetEntryRequest {
  readonly flight: FlightName;
  readonly outcome: Uint8Array;
  readonly entry: EntryWrite;
}

/** Cache entries beside the flights. */
export interface EntryOperations {
  /** One plain read. */
  read(flight: FlightName, withinMs: number): Promise<Uint8Array | undefined>;
  /** Writes the entry and forgets the flight. */
  set(request: SetEntryRequest): Promise<void>;
  /** Removes the entry and forgets the flight. True if there was an entry. */
  delete(flight: FlightName): Promise<boolean>;
}

export type SettleReply =
  /** `unwoken`: followers beyond the limit per call; settle again to wake more of them. */
  | { readonly status: "accepted"; readonly woken: number; readonly unwoken: number }
  /** The outcome of this token is retained already. */
  | { readonly status: "already"; readonly woken: number; readonly unwoken: number }
  | { readonly status: "fenced" };

export interface ResignRequest {
  readonly flight: FlightName;
  readonly claim: Claim;
  /** Counts like a death: only for work that outlived `maxAgeMs`. */
  readonly countsAsTakeover: boolean;
  /** Only if no live follower is registered; otherwise the flight is marked unwanted and the answer is "wanted". */
  readonly ifUnwanted: boolean;
}

export type ResignReply =
  | { readonly status: "resigned" }
  | { readonly status: "wanted"; readonly followers: number }
  | { readonly status: "fenced" };

export interface LeaveRequest {
  readonly flight: FlightName;
  readonly nonce: string;
}

export interface Coordinator {
  join(request: JoinRequest): Promise<JoinReply>;
  /** One round trip for all. An item that could not be renewed is an Error: nobody knows whether its lease still holds. */
  renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]>;
  settle(request: SettleRequest): Promise<SettleReply>;
  resign(request: ResignRequest): Promise<ResignReply>;
  leave(request: LeaveRequest): Promise<void>;
  /** True if a lease, a token or a retained outcome was dropped. */
  forget(flight: FlightName): Promise<boolean>;
  /** How many of these processes' inboxes somebody listens to; undefined where that cannot be known. */
  listeners(processes: readonly string[]): Promise<readonly boolean[] | undefined>;
  /** The server's clock, ms, as far as its replies tell; of the server that keeps this flight, where there are several. */
  serverTimeMs(flight: FlightName): number | undefined;
  /** Present where a leader may be deposed on evidence before its lease has ended. */
  readonly deposes?: true;
  /** Absent where cache entries cannot be kept with the flights. */
  readonly entries?: EntryOperations;
}

/** The hash outlives the lease by this much, so that followers and the takeover count survive a death. */
export function flightTtlMs(request: { leaseMs: number; maxTakeovers: number }): number {
  return request.leaseMs * (request.maxTakeovers + 2);
}
