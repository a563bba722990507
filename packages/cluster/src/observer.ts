/**
 * What happens in a process's part of the fleet, on top of what core tells. Names a declared prefix, never a key unless
 * `exposeKeys` asks for it, and never a payload.
 */
import type { FallbackReason, FlightEvent } from "@skein/core";

interface AboutFlight {
  /** A declared prefix, or "other". */
  keyPrefix: string;
  /** The token where there is one. */
  flightId: string;
  key?: string;
}

/** How a leader's place became free. "deposed": on evidence, before its lease should have ended. */
export type TakeoverReason = "expired" | "deposed" | "resigned";
/** Why a leader gave its place up. */
export type ResignReason = "aged" | "evicted" | "unwanted" | "closed" | "error-withheld";
/** Why nothing ran alone: `onUnavailable` is "error", or `maxFallbackConcurrency` runs are under way. */
export type FallbackRefusedWhy = "unavailable" | "limit";
/** Why something that arrived was not used. */
export type RejectedWhy =
  | "malformed"
  | "version"
  | "identity"
  | "codec"
  | "undecodable"
  | "signature"
  | "expired"
  | "schema"
  | "message";

export type ClusterEvent =
  | FlightEvent
  /** This process was elected. */
  | (AboutFlight & { type: "lead"; takeovers: number })
  /** This process waits for another's flight. */
  | (AboutFlight & { type: "follow" })
  /** This process succeeds a leader that was lost or resigned; not one whose flight was forgotten. */
  | (AboutFlight & { type: "takeover"; reason: TakeoverReason; takeovers: number })
  | (AboutFlight & {
      type: "settle-accepted";
      outcome: "value" | "error" | "unshareable";
      bytes: number;
      /** Followers told by it. */
      woken: number;
      /** From the end of the work until Redis had told the followers: a wake-up, as the leader sees it. */
      tookMs: number;
      /** Requests it took; more than one when there were more followers than one request wakes. */
      settles: number;
    })
  /** An outcome or renewal of this process came too late: somebody else was elected, or the flight was forgotten. */
  | (AboutFlight & { type: "settle-fenced" })
  /** The settle got no answer for as long as it could matter. Followers find out by re-joining. */
  | (AboutFlight & { type: "settle-lost" })
  | (AboutFlight & { type: "lease-lost"; why: "expired" | "fenced" | "forgotten" })
  | (AboutFlight & { type: "resign"; reason: ResignReason })
  | (AboutFlight & { type: "fallback"; reason: FallbackReason })
  /** The run that `fallback` announced did not take place: its callers got a typed error. */
  | (AboutFlight & { type: "fallback-refused"; reason: FallbackReason; why: FallbackRefusedWhy })
  | (AboutFlight & { type: "wait-timeout" })
  | (AboutFlight & { type: "abandoned"; takeovers: number })
  /** The outcome came with a wake-up, or was fetched because of one: then `sinceSettledMs` is its age by Redis' clock. */
  | (AboutFlight & { type: "woken"; waitedMs: number; bytes: number; sinceSettledMs?: number })
  /** So many processes whose inbox is a list could not be told of something; they find out by joining again. */
  | { type: "wakeup-lost"; processes: number }
  /** A follower found the outcome by re-joining, of that age by Redis' clock: its wake-up was lost or late. */
  | (AboutFlight & { type: "wakeup-missed"; sinceSettledMs: number })
  | (AboutFlight & { type: "unshareable"; why: "oversize" | "not-encodable" })
  /** Work ended with an outcome after its signal had been aborted. */
  | (AboutFlight & { type: "abort-ignored" })
  /** In shadow mode: this call would have waited for another process instead of running the work. */
  | (AboutFlight & { type: "shadow-saved" })
  /** Something unreadable under our names or in our inbox; treated as if it were not there. */
  | { type: "rejected"; keyPrefix: string; why: RejectedWhy }
  | { type: "breaker"; state: "closed" | "open" | "half-open" }
  | { type: "link"; link: "commands" | "inbox"; state: "up" | "down" }
  | { type: "capabilities"; missing: readonly string[]; warnings: readonly string[] };
