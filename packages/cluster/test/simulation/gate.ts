/** Between a simulated process and the outside: while it is stopped, what arrives waits; when it has closed, nothing leaves. */
import type { Coordinator } from "../../src/coordinator.ts";
import type { Inbox } from "../../src/inbox/inbox.ts";
import type { PausableClock } from "./pausable-clock.ts";

export class Gate {
  readonly coordinator: Coordinator;
  readonly inbox: Inbox;
  readonly #clock: PausableClock;
  #closed = false;

  constructor(clock: PausableClock, coordinator: Coordinator, inbox: Inbox) {
    this.#clock = clock;
    this.coordinator = {
      ...(coordinator.deposes === true ? { deposes: true } : {}),
      join: (request) => this.#ask(() => coordinator.join(request)),
      renew: (requests) => this.#ask(() => coordinator.renew(requests)),
      settle: (request) => this.#ask(() => coordinator.settle(request)),
      resign: (request) => this.#ask(() => coordinator.resign(request)),
      leave: (request) => this.#ask(() => coordinator.leave(request)),
      forget: (flight) => this.#ask(() => coordinator.forget(flight)),
      listeners: (processes) => this.#ask(() => coordinator.listeners(processes)),
      serverTimeMs: (flight) => coordinator.serverTimeMs(flight),
    };
    this.inbox = {
      transport: inbox.transport,
      get up() {
        return inbox.up;
      },
      open: (listener) =>
        inbox.open({
          onWakeUp: (wakeUp) => clock.whenRunning(() => listener.onWakeUp(wakeUp)),
          onGarbage: () => clock.whenRunning(() => listener.onGarbage()),
          onInboxState: (up) => clock.whenRunning(() => listener.onInboxState(up)),
        }),
      whenUp: (deadline) => this.#hear(() => inbox.whenUp(deadline)),
      close: () => inbox.close(),
    };
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.inbox.close();
  }

  #ask<T>(ask: () => Promise<T>): Promise<T> {
    return this.#closed ? Promise.reject(new Error("the connection is closed")) : this.#hear(ask);
  }

  /** What comes of it reaches a process that runs. */
  #hear<T>(ask: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    ask().then(
      (reply) => this.#clock.whenRunning(() => resolve(reply)),
      (error: unknown) => this.#clock.whenRunning(() => reject(error)),
    );
    return promise;
  }
}
