/**
 * One caller attached to a flight. It can leave on its own (its signal, its timeout) without touching the flight; the
 * flight that it waits for at that moment learns of it through `host` and decides whether anybody is left to work for.
 */
import { AsyncResource } from "node:async_hooks";
import type { Ancestor } from "./ancestry.ts";
import type { Clock } from "./clock.ts";
import type { CallOptions } from "./coalescer.ts";
import { FlightTimeoutError } from "./errors.ts";
import type { CallEnding } from "./observer.ts";

/** Who is told that a waiter left. A waiter can be moved to another flight, so this can change. */
export interface WaiterHost {
  onLeave(waiter: Waiter, ending: CallEnding): void;
}

export class Waiter {
  readonly promise: Promise<unknown>;
  /** On the clock's scale: decides whether an outcome that was already settled may still be handed to this caller. */
  readonly attachedAt: number;
  /** Whether the caller asked for the story around the value (`fly`). */
  readonly wantsStory: boolean;
  /** Tells this call from others in events; 0 when nobody listened as it began. */
  readonly callId: number;
  /** The work this caller brought; it may have to start the next flight itself. */
  readonly work: unknown;
  /** The flight that this caller calls from inside of: a flight that it starts belongs to the same chain. */
  readonly inside: Ancestor | undefined;
  /** Stands for the caller's asynchronous context. A snapshot of it would cost eighty times as much. */
  readonly #caller = new AsyncResource("SkeinCall");
  host: WaiterHost;
  /** Answered, or gone. */
  settled = false;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  /** Closes the two ways out, and lets go of the caller's signal and of the timer. */
  #closeWaysOut: (() => void) | undefined;

  constructor(
    host: WaiterHost,
    work: unknown,
    attachedAt: number,
    wantsStory: boolean,
    callId: number,
    inside?: Ancestor,
  ) {
    this.host = host;
    this.callId = callId;
    this.work = work;
    this.attachedAt = attachedAt;
    this.wantsStory = wantsStory;
    this.inside = inside;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Arms the two ways out: the caller's signal and its timeout. */
  watch(clock: Clock, options: CallOptions | undefined, defaultTimeoutMs: number | undefined): void {
    const signal = options?.signal;
    const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
    if (signal?.aborted === true) {
      this.leave("left", signal.reason);
      return;
    }
    if (signal === undefined && timeoutMs === undefined) return;
    const onAbort = (): void => this.leave("left", signal?.reason);
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.setTimer(() => this.leave("timeout", new FlightTimeoutError(timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", onAbort);
    this.#closeWaysOut = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** What is done for this caller alone is done in its context: its work finds what the caller's code would find. */
  inCallerContext<T>(callback: () => T): T {
    return this.#caller.runInAsyncScope(callback);
  }

  resolve(value: unknown): void {
    this.disarm();
    this.settled = true;
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.disarm();
    this.settled = true;
    this.#reject(error);
  }

  disarm(): void {
    this.#closeWaysOut?.();
    this.#closeWaysOut = undefined;
  }

  /** Goes without an answer of the flight. */
  leave(ending: CallEnding, reason: unknown): void {
    if (this.settled) return;
    this.reject(reason);
    this.host.onLeave(this, ending);
  }
}
