/**
 * How wake-ups get from a memory server to its processes. Over pub/sub they leave within the operation that sends them,
 * and are lost unless somebody listens. Into a list they are pushed by whoever asked for the operation, after its reply;
 * there they wait for the process until the list ends.
 */
import type { Clock } from "@skein/core";
import type { Transport } from "../coordinator.ts";
import { withoutOutcome, type WakeUp } from "../inbox/wake-up.ts";
import { leaderOf } from "./attempt.ts";
import type { MemoryInbox } from "./memory-inbox.ts";
import { carry, type MemoryNetwork } from "./memory-network.ts";

/** A list ends so long after the last push. */
const LIST_TTL_MS = 10_000;

export interface Addressee {
  readonly process: string;
  /** "" when unknown: then it is told in both ways. */
  readonly transport: Transport | "";
}

/** Of the leader that a token names. */
export function addressOf({ token, transport }: { token: string; transport: Transport }): Addressee {
  return { process: leaderOf(token), transport };
}

/** A wake-up that is left to whoever asked. */
export interface Errand {
  readonly process: string;
  readonly message: Uint8Array;
}

export interface Recipient {
  readonly inbox: MemoryInbox;
  readonly alive: boolean;
}

export class MemoryPost {
  readonly #clock: Clock;
  readonly #network: MemoryNetwork;
  readonly #recipients: ReadonlyMap<string, Recipient>;
  readonly #lists = new Map<string, { readonly messages: Uint8Array[]; endsAt: number }>();
  #errands: Errand[] = [];

  constructor(clock: Clock, network: MemoryNetwork, recipients: ReadonlyMap<string, Recipient>) {
    this.#clock = clock;
    this.#network = network;
    this.#recipients = recipients;
  }

  tell({ process, transport }: Addressee, message: Uint8Array): void {
    if (transport !== "l") this.publish(process, message);
    if (transport !== "p") this.#errands.push({ process, message });
  }

  /** What has been left to whoever asked for the operation that just ran. */
  takeErrands(): readonly Errand[] {
    const errands = this.#errands;
    this.#errands = [];
    return errands;
  }

  /** Lost unless somebody listens now, and still does when it arrives. */
  publish(process: string, message: Uint8Array): void {
    const recipient = this.#recipients.get(process);
    if (recipient?.alive !== true || recipient.inbox.transport !== "p" || !recipient.inbox.up) return;
    this.#deliver(recipient, process, message);
  }

  push({ process, message }: Errand): void {
    const now = this.#clock.now();
    const known = this.#lists.get(process);
    const messages = known === undefined || known.endsAt <= now ? [] : known.messages;
    this.#lists.set(process, { messages, endsAt: now + LIST_TTL_MS });
    messages.push(message);
    this.#collect(process);
  }

  /** A process is back and looks into its list, if it has one. Nobody knows for how long an outcome has been in there. */
  collect(process: string): void {
    this.#collect(process, withoutOutcome);
  }

  #collect(process: string, read?: (wakeUp: WakeUp) => WakeUp): void {
    const recipient = this.#recipients.get(process);
    if (recipient?.alive !== true || recipient.inbox.transport !== "l" || !recipient.inbox.up) return;
    const list = this.#lists.get(process);
    this.#lists.delete(process);
    if (list === undefined || list.endsAt <= this.#clock.now()) return;
    for (const message of list.messages) this.#deliver(recipient, process, message, read);
  }

  #deliver(
    recipient: Recipient,
    process: string,
    message: Uint8Array,
    read?: (wakeUp: WakeUp) => WakeUp,
  ): void {
    const { session } = recipient.inbox;
    carry(this.#network, this.#clock, { process, kind: "message" }, () => {
      if (recipient.alive) recipient.inbox.receive(message, session, read);
    });
  }
}
