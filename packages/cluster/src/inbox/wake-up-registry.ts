/** Which flights of this process want to hear of which wake-ups. One flight id may have several listeners. */
import type { WakeUp } from "./wake-up.ts";

export interface WakeUpListener {
  onWakeUp(wakeUp: WakeUp): void;
  /** The inbox came back after having been away: messages may be missing. */
  onInboxBack(): void;
}

export class WakeUpRegistry {
  readonly #listeners = new Map<string, Set<WakeUpListener>>();

  add(flightId: string, listener: WakeUpListener): void {
    const listeners = this.#listeners.get(flightId);
    if (listeners === undefined) this.#listeners.set(flightId, new Set([listener]));
    else listeners.add(listener);
  }

  remove(flightId: string, listener: WakeUpListener): void {
    const listeners = this.#listeners.get(flightId);
    if (listeners?.delete(listener) === true && listeners.size === 0) this.#listeners.delete(flightId);
  }

  /** How many flights listen; zero when the process is quiet. */
  get size(): number {
    return this.#listeners.size;
  }

  /** False when nobody here waits for that flight (any more). */
  deliver(wakeUp: WakeUp): boolean {
    const listeners = this.#listeners.get(wakeUp.flightId);
    if (listeners === undefined) return false;
    for (const listener of Array.from(listeners)) listener.onWakeUp(wakeUp);
    return true;
  }

  inboxBack(): void {
    for (const listeners of Array.from(this.#listeners.values())) {
      for (const listener of Array.from(listeners)) listener.onInboxBack();
    }
  }
}
