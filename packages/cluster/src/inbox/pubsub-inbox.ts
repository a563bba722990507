/**
 * The inbox over pub/sub: one channel per process, on a connection of its own, subscribed before the inbox counts as
 * up. Whether somebody is subscribed is what others can see of this process. Not promised: that a message arrives, or
 * that one sent while the connection was away ever will.
 */
import { Link, type ConnectionOptions } from "../redis/connection.ts";
import type { Inbox, InboxListener } from "./inbox.ts";
import { parseWakeUp } from "./wake-up.ts";

export class PubSubInbox implements Inbox {
  readonly transport = "p";
  readonly link: Link;
  #listener: InboxListener | undefined;

  /** Starts to connect. */
  constructor(channel: string, connection: ConnectionOptions) {
    this.link = new Link(connection, "inbox", async (redis) => {
      await redis.subscribe(channel);
    });
    // As bytes: an outcome need not be text.
    this.link.redis.on("messageBuffer", (_channel: Buffer, message: Buffer) => this.#receive(message));
    this.link.onStateChange((state) => {
      if (state === "up" || state === "down") this.#listener?.onInboxState(state === "up");
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

  #receive(message: Buffer): void {
    const wakeUp = parseWakeUp(message);
    if (wakeUp === undefined) this.#listener?.onGarbage();
    else this.#listener?.onWakeUp(wakeUp);
  }
}
