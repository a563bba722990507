/**
 * The inboxes of a process on all servers of a quorum, as one. What arrives is a hint: an outcome counts when a majority
 * retains it, so an outcome that comes along is taken for word that there is one.
 */
import type { Transport } from "../coordinator.ts";
import type { Inbox, InboxListener } from "../inbox/inbox.ts";
import { withoutOutcome } from "../inbox/wake-up.ts";
import { agree, majorityOf } from "./majority.ts";

export class QuorumInbox implements Inbox {
  readonly transport: Transport;
  readonly #inboxes: readonly Inbox[];

  constructor(inboxes: readonly Inbox[]) {
    this.#inboxes = inboxes;
    this.transport = inboxes[0]?.transport ?? "p";
  }

  get up(): boolean {
    return this.#inboxes.filter(({ up }) => up).length >= majorityOf(this.#inboxes.length);
  }

  open(listener: InboxListener): void {
    const own: InboxListener = {
      onWakeUp: (wakeUp) => listener.onWakeUp(withoutOutcome(wakeUp)),
      onGarbage: () => listener.onGarbage(),
      // Any of them may have been the one to hear. Nobody holds a process for dead because one is away.
      onInboxState: (up) => {
        if (up || !this.up) listener.onInboxState(up);
      },
    };
    for (const inbox of this.#inboxes) inbox.open(own);
  }

  whenUp(deadline: number): Promise<boolean> {
    return agree(
      this.#inboxes.map((inbox) => inbox.whenUp(deadline)),
      majorityOf(this.#inboxes.length),
    );
  }

  /** They are closed with the connections beside them. */
  async close(): Promise<void> {}
}
