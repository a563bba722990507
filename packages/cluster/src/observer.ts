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

/** How a leader's place became free. */
export type TakeoverReason = "expired" | "deposed" | "resigned";
/** Why a leader gave its place up. */
export type ResignReason = "aged" | "evicted" | "unwanted" | "closed" | "error-withheld" | "given-up";
/** Why something that arrived was not used. */
export type RejectedWhy =
  | "malformed"
  | "version"
  | "identity"
  | "codec"
  | "undecodable"
  | "schema"
  | "message";

export type ClusterEvent =
  | FlightEvent
  /** This process was elected. */
  | (AboutFlight & { type: "lead"; takeovers: number })
  /** This process waits for another's flight. */
  | (AboutFlight & { type: "follow" })
  /** This process succeeds a leader that was lost or resigned. */
  | (AboutFlight & { type: "takeover"; reason: TakeoverReason; takeovers: number })
  | (AboutFlight & {
      type: "settle-accepted";
      outcome: "value" | "error" | "unshareable";
      bytes: number;
      woken: number;
    })
  /** An outcome or renewal of this process came too late: somebody else was elected, or the flight was forgotten. */
  | (AboutFlight & { type: "settle-fenced" })
  /** The settle got no answer for as long as it could matter. Followers find out by re-joining. */
  | (AboutFlight & { type: "settle-lost" })
  | (AboutFlight & { type: "lease-lost"; why: "expired" | "fenced" | "forgotten" })
  | (AboutFlight & { type: "resign"; reason: ResignReason })
  | (AboutFlight & { type: "fallback"; reason: FallbackReason })
  | (AboutFlight & { type: "wait-timeout" })
  | (AboutFlight & { type: "abandoned"; takeovers: number })
  | (AboutFlight & { type: "woken"; waitedMs: number; bytes: number })
  /** A follower found the outcome by re-joining: its wake-up was lost or late. */
  | (AboutFlight & { type: "wakeup-missed" })
  | (AboutFlight & { type: "unshareable"; why: "oversize" | "not-encodable" | "withheld" })
  /** Work ended with an outcome after its signal had been aborted. */
  | (AboutFlight & { type: "abort-ignored" })
  /** In shadow mode: this call would have waited for another process instead of running the work. */
  | (AboutFlight & { type: "shadow-saved" })
  /** Something unreadable under our names or in our inbox; treated as if it were not there. */
  | { type: "rejected"; keyPrefix: string; why: RejectedWhy }
  | { type: "breaker"; state: "closed" | "open" | "half-open" }
  | { type: "link"; link: "commands" | "inbox"; state: "up" | "down" }
  | { type: "capabilities"; missing: readonly string[]; warnings: readonly string[] };
