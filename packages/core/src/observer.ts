/**
 * What happens, told to whoever listens: observers given at construction, and the `skein.flight` channel of
 * `node:diagnostics_channel`. Nothing is built when nobody listens. Events hold no payloads, and no keys unless
 * `exposeKeys` asks for them. A throwing observer disturbs nothing but itself.
 */
import { channel } from "node:diagnostics_channel";
import { disregard } from "./background.ts";
import type { Role } from "./flight-result.ts";

/** The `node:diagnostics_channel` on which every event is published. */
export const FLIGHT_CHANNEL = "skein.flight";

/** Whom an event is about. */
export interface AboutFlight {
  /** What `keyPrefixOf` returns for the key (core), or the declared prefix (cluster); else "other". */
  keyPrefix: string;
  flightId: string;
  /** The user's key; only with `exposeKeys`. */
  key?: string;
}

/** How one call ended for its caller. `left`: its signal was aborted. */
export type CallEnding = "value" | "error" | "left" | "timeout" | "closed";

/** Why a call was turned away before anything started. `key`: empty, or longer than the cluster's `maxKeyBytes`. */
export type RefusedWhy = "full" | "waiters" | "reentrant" | "closed" | "key";

export type FlightEvent =
  /** The work of a key was called in this process. `background`: by no call, as when a cache renews an entry early. */
  | (AboutFlight & { type: "execution-started"; background?: true })
  | (AboutFlight & {
      type: "execution-ended";
      outcome: "value" | "error";
      durationMs: number;
      aborted: boolean;
    })
  /** A call was accepted, told in its caller's context. `callId` is the same when it ends; unique in this process. */
  | (AboutFlight & { type: "call-started"; callId: number })
  /** One call is over. `coalesced`: it started no execution of its own. */
  | (AboutFlight & {
      type: "call-ended";
      callId: number;
      ending: CallEnding;
      role: Role;
      coalesced: boolean;
      shared: boolean;
      waitedMs: number;
      /** The span, as W3C Trace Context names it, of the execution in another process that the outcome came from. */
      traceparent?: string;
    })
  /** This process has answered its callers of a flight, or the last of them left. Its work may go on. */
  | (AboutFlight & { type: "flight-ended"; ending: CallEnding; role: Role })
  | (AboutFlight & { type: "flight-aged" })
  | (AboutFlight & { type: "flight-evicted" })
  | (AboutFlight & { type: "flight-bypassed" })
  | (AboutFlight & { type: "flight-unwanted" })
  | (AboutFlight & { type: "flight-forgotten" })
  | {
      type: "call-refused";
      keyPrefix: string;
      key?: string;
      why: RefusedWhy;
    };

/** Receives every event, synchronously. What it throws or rejects with is dropped. It may call the coalescer. */
export interface Observer<E = FlightEvent> {
  onEvent(event: E): void;
  /**
   * The span of a flight's execution in this process, as W3C Trace Context names it. Asked once when an execution begins
   * whose outcome goes to other processes; it goes with it. What throws, or has another form, is none.
   */
  traceparent?(flightId: string): string | undefined;
}

const flightChannel = channel(FLIGHT_CHANNEL);

/** Hands events to the observers and the channel. Ask `active` before building an event. */
export class Emitter<E extends object> {
  readonly observers: readonly Observer<E>[];

  constructor(observers: Observer<E> | readonly Observer<E>[] | undefined) {
    this.observers = observers === undefined ? [] : "onEvent" in observers ? [observers] : [...observers];
  }

  get active(): boolean {
    return this.observers.length > 0 || flightChannel.hasSubscribers;
  }

  emit(event: E): void {
    for (const observer of this.observers) {
      // An observer must not be able to fail the calls that it watches, nor the process when it is an async function.
      try {
        disregard(observer.onEvent(event));
      } catch {
        continue;
      }
    }
    // Its subscribers' errors reach the process as uncaught exceptions on their own, never this call.
    if (flightChannel.hasSubscribers) flightChannel.publish(event);
  }
}
