/**
 * Where one process receives its wake-ups. One per process, opened before the first join. Not promised: that a message
 * arrives. While the inbox is away messages are lost; it says when it is back, so that everybody waiting can re-join.
 */
import type { Transport } from "../coordinator.ts";
import type { WakeUp } from "./wake-up.ts";

export interface InboxListener {
  onWakeUp(wakeUp: WakeUp): void;
  /** Something arrived that is not a message of this version. */
  onGarbage(): void;
  /** Messages may have been lost before an inbox comes up, and are being lost while it is down. */
  onInboxState(up: boolean): void;
}

export interface Inbox {
  readonly transport: Transport;
  readonly up: boolean;
  /** Starts receiving. Called once. */
  open(listener: InboxListener): void;
  /** True when messages can arrive; false at the deadline (on the clock's scale), or earlier when it is hopeless. */
  whenUp(deadline: number): Promise<boolean>;
  close(): Promise<void>;
}
