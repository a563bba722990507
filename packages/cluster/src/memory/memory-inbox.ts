/** The inbox of one process of a memory fleet. It can be cut off: what is sent to it meanwhile is lost, or waits in its list. */
import type { Clock, Timer } from "@skein/core";
import type { Transport } from "../coordinator.ts";
import type { Inbox, InboxListener } from "../inbox/inbox.ts";
import { parseWakeUp, type WakeUp } from "../inbox/wake-up.ts";

interface Waiter {
  readonly resolve: (up: boolean) => void;
  readonly timer: Timer;
}

export class MemoryInbox implements Inbox {
  readonly transport: Transport;
  readonly #clock: Clock;
  readonly #onUp: () => void;
  readonly #waiters = new Set<Waiter>();
  #listener: InboxListener | undefined;
  #state: "down" | "up" | "closed" = "down";
  /** One per connection; messages sent to an earlier one are lost. */
  #session = 0;

  constructor(clock: Clock, transport: Transport, onUp: () => void) {
    this.#clock = clock;
    this.transport = transport;
    this.#onUp = onUp;
  }

  get up(): boolean {
    return this.#state === "up";
  }

  get session(): number {
    return this.#session;
  }

  open(listener: InboxListener): void {
    this.#listener = listener;
    queueMicrotask(() => this.reconnect());
  }

  whenUp(deadline: number): Promise<boolean> {
    if (this.up || this.#state === "closed") return Promise.resolve(this.up);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.setTimer(
      () => this.#release(waiter),
      Math.max(0, deadline - this.#clock.now()),
    );
    const waiter: Waiter = { resolve, timer };
    this.#waiters.add(waiter);
    return promise;
  }

  close(): Promise<void> {
    this.#state = "closed";
    this.#releaseAll();
    return Promise.resolve();
  }

  /** Cuts the connection. Nothing happens to an inbox that is not up. */
  disconnect(): void {
    if (this.#state !== "up") return;
    this.#state = "down";
    this.#listener?.onInboxState(false);
  }

  /** Nothing happens to an inbox that is up, closed or was never opened. */
  reconnect(): void {
    if (this.#state !== "down" || this.#listener === undefined) return;
    this.#state = "up";
    this.#session++;
    this.#releaseAll();
    this.#listener.onInboxState(true);
    this.#onUp();
  }

  /** A message that was sent while `session` lasted, or had been kept for it. `read`: what is made of it. */
  receive(message: Uint8Array, session: number, read?: (wakeUp: WakeUp) => WakeUp): void {
    if (!this.up || session !== this.#session) return;
    const wakeUp = parseWakeUp(message);
    if (wakeUp === undefined) this.#listener?.onGarbage();
    else this.#listener?.onWakeUp(read === undefined ? wakeUp : read(wakeUp));
  }

  #release(waiter: Waiter): void {
    waiter.timer.cancel();
    this.#waiters.delete(waiter);
    waiter.resolve(this.up);
  }

  #releaseAll(): void {
    for (const waiter of this.#waiters) this.#release(waiter);
  }
}
