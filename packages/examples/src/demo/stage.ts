// Everything that stays the same from round to round.

import type { Client } from "pg";
import type { BackendsReady } from "./backends.ts";
import type { Progress } from "./progress.ts";
import type { RedisCommands } from "./redis-commands.ts";

export interface Stage {
  readonly backends: BackendsReady;
  /** Of the demo's keys in Redis. */
  readonly namespace: string;
  /** The demo's own connection, for counting. */
  readonly postgres: Client;
  readonly redisCommands: RedisCommands;
  readonly windowDays: number;
  readonly progress: Progress;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
}
