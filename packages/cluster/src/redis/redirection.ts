/** Where a node of a Redis Cluster sends a command that is not for it: `MOVED <slot> <host>:<port>`, or ASK. */

export interface Redirection {
  /** MOVED: for good. ASK: this once, while the slot is moving. */
  readonly kind: "moved" | "ask";
  readonly slot: number;
  /** Empty: the host that was asked. */
  readonly host: string;
  readonly port: number;
}

export function redirectionIn(message: string): Redirection | undefined {
  // The host may be an IPv6 address: the port is behind the last colon.
  const match = /^(MOVED|ASK) (\d+) (\S*):(\d+)$/.exec(message);
  if (match === null) return undefined;
  const [, kind, slot, host = "", port] = match;
  return {
    kind: kind === "ASK" ? "ask" : "moved",
    slot: Number(slot),
    host: host === "?" ? "" : host,
    port: Number(port),
  };
}
