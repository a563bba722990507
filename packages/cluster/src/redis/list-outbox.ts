/**
 * Pushes wake-ups into inbox lists. Each list is a key of its own, so each push is a call of its own, in one pipeline per server. A
 * push that fails is told, and not repeated: its receiver joins again by itself.
 */
import type { Outbox } from "../inbox/outbox.ts";
import { formatWakeUp, withoutOutcome, type WakeUp } from "../inbox/wake-up.ts";
import type { ScriptCall } from "./define-script.ts";
import { pushScript } from "./flight-scripts.ts";
import type { Servers } from "./servers.ts";

/** A list ends so long after the last push: whoever did not look into it by then has joined again long since. */
const INBOX_TTL_MS = 10_000;
/** Wake-ups that wait for one process. Older ones are dropped. */
const MAX_MESSAGES = 1_000;
/** Outcomes travel along while those that wait for the same process stay below; then pointers do. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Pushes per pipeline, so that nothing else waits long behind them. */
const PUSHES_AT_ONCE = 200;

export interface ListOutboxOptions {
  readonly servers: Pick<Servers, "runBatch">;
  readonly inboxPrefix: string;
  readonly timeoutMs: number;
  /** So many processes could not be told. */
  readonly onLost?: (processes: number) => void;
}

export class ListOutbox implements Outbox {
  readonly #options: ListOutboxOptions;

  constructor(options: ListOutboxOptions) {
    this.#options = options;
  }

  async tell(processes: readonly string[], wakeUp: WakeUp): Promise<void> {
    const { servers, inboxPrefix, timeoutMs, onLost } = this.#options;
    const args = {
      message: formatWakeUp(wakeUp),
      pointer: wakeUp.kind === "settled" ? formatWakeUp(withoutOutcome(wakeUp)) : "",
      maxMessages: MAX_MESSAGES,
      maxWaitingBytes: MAX_WAITING_BYTES,
      inboxTtlMs: INBOX_TTL_MS,
    };
    let lost = 0;
    for (let from = 0; from < processes.length; from += PUSHES_AT_ONCE) {
      const calls = processes
        .slice(from, from + PUSHES_AT_ONCE)
        .map((process): ScriptCall => pushScript.callOn([inboxPrefix + process], args));
      const replies = await servers.runBatch(calls, timeoutMs);
      lost += replies.filter((reply) => reply instanceof Error).length;
    }
    if (lost > 0) onLost?.(lost);
  }
}
