/** What labels can say. They are closed sets, so that nothing a user types or a server sends can add a series. */

/** What every declared prefix shares: the label of keys that have none. */
export const OTHER_PREFIX = "other";

/** The closed sets. `key_prefix` has the declared prefixes and "other"; there is no set for keys. */
export const labelValues = {
  coalesced: ["true", "false"],
  role: ["leader", "follower", "local"],
  ending: ["value", "error", "left", "timeout", "closed"],
  refused: ["full", "waiters", "reentrant", "closed", "key"],
  takeover: ["expired", "deposed", "resigned"],
  fallback: [
    "unavailable",
    "timeout",
    "breaker-open",
    "refused",
    "unshareable",
    "wait-timeout",
    "leader-lost",
    "fallback-probe",
  ],
  fallbackRefused: ["unavailable", "limit"],
  leaseLost: ["expired", "fenced", "forgotten"],
  resign: ["aged", "evicted", "unwanted", "closed", "error-withheld"],
  unshareable: ["oversize", "not-encodable"],
  rejected: [
    "malformed",
    "version",
    "identity",
    "codec",
    "undecodable",
    "signature",
    "expired",
    "schema",
    "message",
  ],
  hit: ["fresh", "stale", "error"],
  expected: ["true", "false"],
  refresh: ["stale", "early"],
  notWritten: ["too-large", "not-encodable", "unavailable"],
  broken: ["malformed", "version", "identity", "codec", "undecodable", "signature", "expired", "schema"],
  link: ["commands", "inbox"],
  capability: ["missing", "warning"],
} as const;

export type ClosedSet = keyof typeof labelValues;
