/** What a connection has to know: where to, how patient to be, and whose time and chance it uses. */
import type { Clock, Randomness } from "@skein/core";
import type { NodeAddress, NodeSource } from "./connection-profile.ts";
import type { Redirection } from "./redirection.ts";

export interface ConnectionOptions {
  readonly source: NodeSource;
  /** Where the n-th attempt (from 1) since the link was last up goes; `undefined`: where the last one went. */
  readonly nextAddress?: (attempt: number) => NodeAddress | undefined;
  /** Told that what this connection is for is at another node: the next attempt goes there. */
  readonly onRedirected?: (redirection: Redirection) => void;
  /** How long a connection that is not up is worth waiting for. */
  readonly redisTimeoutMs: number;
  readonly heartbeatEveryMs: number;
  /** An open connection that was silent for so long is dropped. */
  readonly silenceLimitMs: number;
  /** A blocking command is always open on it, and what that answers is the sign of life: no PING waits behind it. */
  readonly blocking?: boolean;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Told when the connection's trouble changes: another code, or `undefined` once it is up. */
  readonly onTrouble?: (code: string | undefined) => void;
  /** As operators see it in CLIENT LIST; "skein" by default. */
  readonly connectionName?: string;
}
