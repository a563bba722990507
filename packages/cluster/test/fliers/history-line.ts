/** What an event of a coalescer with `exposeKeys` means to the history checker. */
import type { ClusterEvent } from "@skein/cluster";
import type { HistoryEvent } from "@skein/testkit";

type Keyed = { readonly key?: string; readonly flightId: string };

/** `undefined` for what the checker does not judge. */
export function lineOf(event: ClusterEvent): HistoryEvent | undefined {
  switch (event.type) {
    case "lead":
      return { ev: "lead", ...about(event), takeovers: event.takeovers };
    case "follow":
      return { ev: "follow", ...about(event) };
    case "takeover":
      return { ev: "takeover", ...about(event), takeovers: event.takeovers, reason: event.reason };
    case "settle-accepted":
      return { ev: "settle-accepted", ...about(event) };
    case "settle-fenced":
      return { ev: "settle-fenced", ...about(event) };
    case "lease-lost":
      return event.why === "forgotten" ? { ev: "forgotten", ...about(event) } : undefined;
    case "resign":
      return { ev: causeOf(event.reason), ...about(event) };
    case "fallback":
      return {
        ev: event.reason === "wait-timeout" ? "wait-timeout" : "fallback",
        key: event.key ?? "",
        reason: event.reason,
      };
    case "flight-forgotten":
      return { ev: "forgotten", key: event.key ?? "" };
    case "flight-evicted":
      return { ev: "evicted", key: event.key ?? "" };
    case "flight-aged":
      return { ev: "aged", key: event.key ?? "" };
    case "abort-ignored":
      return { ev: "abort-ignored", ...about(event) };
    case "abandoned":
      return { ev: "abandoned", key: event.key ?? "" };
    case "unshareable":
      return { ev: "unshareable", ...about(event) };
    case "breaker":
      if (event.state === "half-open") return undefined;
      return { ev: event.state === "open" ? "breaker-open" : "breaker-closed", key: "" };
    default:
      return undefined;
  }
}

function about({ key = "", flightId }: Keyed): { key: string; token: string } {
  return { key, token: flightId };
}

function causeOf(reason: string): "aged" | "evicted" | "closed" | "resigned" {
  return reason === "aged" || reason === "evicted" || reason === "closed" ? reason : "resigned";
}
