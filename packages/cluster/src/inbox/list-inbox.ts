/**
 * The inbox over a list: one key per process, drained by a blocking pop on a connection of its own, oldest first. What
 * arrives while the connection is away waits for it until the list ends, and then says that there is an outcome, no more:
 * it may be too old for those who have called since. Not promised: that a message arrives; a pop
 * whose reply is lost has lost it. In a Redis Cluster the connection follows the list to where its slot is, and to where
 * it is going. And nobody can see whether this process lives: its lease and beat have to tell.
 */
import { background } from "@skein/core/internal";
import { failureOf } from "../redis/command-failure.ts";
import { Link, type ConnectionOptions } from "../redis/connection.ts";
import type { Inbox, InboxListener } from "./inbox.ts";
import { parseWakeUp, withoutOutcome } from "./wake-up.ts";

/** A pop without a message returns after this share of the time for which the link bears silence. */
const POPS_PER_SILENCE = 3;
const MAX_POP_MS = 1_000;
/** Fetched at once behind a message: where one is, others often are. */
const BATCH = 128;

export class ListInbox implements Inbox {
  readonly transport = "l";
  readonly link: Link;
  readonly #key: string;
  readonly #popSeconds: number;
  readonly #onRedirected: ConnectionOptions["onRedirected"];
  #listener: InboxListener | undefined;
  /** One per time that the link is up; a pop that belongs to an earlier one is the last of its kind. */
  #session = 0;
  /** The slot is on its way to the node that this is connected to: it has to be asked for each time. */
  #asks = false;

  /** Starts to connect. */
  constructor(key: string, connection: ConnectionOptions) {
    this.#key = key;
    this.#onRedirected = connection.onRedirected;
    this.#popSeconds = Math.min(MAX_POP_MS, connection.silenceLimitMs / POPS_PER_SILENCE) / 1_000;
    this.link = new Link({ ...connection, blocking: true }, "inbox", () => this.#mayPop());
    this.link.onStateChange((state) => {
      this.#session++;
      if (state === "up" || state === "down") this.#listener?.onInboxState(state === "up");
      if (state === "up") background(this.#drain(this.#session));
    });
  }

  get up(): boolean {
    return this.link.state === "up";
  }

  open(listener: InboxListener): void {
    this.#listener = listener;
    if (this.up) listener.onInboxState(true);
  }

  whenUp(deadline: number): Promise<boolean> {
    return this.link.whenUp(deadline);
  }

  close(): Promise<void> {
    return this.link.close();
  }

  /** Rejects when this user may not pop. Rights are looked at first, so a limit that makes no sense pops nothing. */
  async #mayPop(): Promise<void> {
    const tried = async (command: string): Promise<void> => {
      try {
        await this.#call(command, this.#key, -1);
      } catch (error) {
        if (this.#isElsewhere(error) || failureOf(error).serverCode !== "ERR") throw error;
      }
    };
    await Promise.all([tried("BRPOP"), tried("RPOP")]);
  }

  async #drain(session: number): Promise<void> {
    let behind = true;
    // What the list held when the connection came up; nobody knows for how long.
    let kept = true;
    while (this.#session === session) {
      try {
        const rest = behind ? this.#call("RPOP", this.#key, BATCH) : undefined;
        const next = this.#call("BRPOP", this.#key, this.#popSeconds);
        // Rejected together with the first when the connection breaks.
        background(next.catch(() => undefined));
        const batch = messagesIn(await rest);
        for (const message of batch) this.#receive(message, kept);
        kept &&= batch.length === BATCH;
        // [the key, a message], or nothing.
        const popped = messagesIn(await next).slice(1);
        for (const message of popped) this.#receive(message, kept);
        behind = popped.length > 0;
      } catch (error) {
        await this.#recover(session, error);
      }
    }
  }

  async #recover(session: number, error: unknown): Promise<void> {
    if (this.#session !== session) return;
    if (!this.#isElsewhere(error) && failureOf(error).serverCode === "WRONGTYPE") {
      // Not of our making, and in the way.
      this.#listener?.onGarbage();
      await this.#call("DEL", this.#key).catch(() => this.link.reconnect());
    } else {
      this.#session++;
      this.link.reconnect();
    }
  }

  /** Takes note of where the node says that the list is, or is going. */
  #isElsewhere(error: unknown): boolean {
    const { redirection } = failureOf(error);
    if (redirection === undefined) return false;
    this.#asks = redirection.kind === "ask";
    this.#onRedirected?.(redirection);
    return true;
  }

  #call(command: string, ...args: (string | number)[]): Promise<unknown> {
    const { redis } = this.link;
    // Holds for the next command of this connection. Elsewhere it changes nothing.
    if (this.#asks) background(redis.call("ASKING").catch(() => undefined));
    return redis.callBuffer(command, args);
  }

  /** `kept`: sent while the connection was away. An outcome has to be fetched then, since Redis can say how old it is. */
  #receive(message: Buffer, kept: boolean): void {
    const wakeUp = parseWakeUp(message);
    if (wakeUp === undefined) this.#listener?.onGarbage();
    else this.#listener?.onWakeUp(kept ? withoutOutcome(wakeUp) : wakeUp);
  }
}

function messagesIn(reply: unknown): readonly Buffer[] {
  return Array.isArray(reply) ? reply.filter((item) => Buffer.isBuffer(item)) : [];
}
