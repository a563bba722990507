/**
 * The interface that one process (`Singleflight`) and a fleet (`ClusterSingleflight`) share: moving from one to the
 * other is one line. Not promised by either: mutual exclusion. It saves work; it does not protect a resource.
 */
import { InvalidArgumentError } from "./errors.ts";
import type { FlightContext, FlightResult } from "./flight-result.ts";
import { MAX_TIMER_MS } from "./clock.ts";

/**
 * The expensive function. Called synchronously inside `do()` when nobody else has to be asked first. `signal` is
 * aborted when the flight is no longer wanted; check `signal.aborted` before side effects. Retries belong in here.
 */
export type Work<T> = (signal: AbortSignal, flight: FlightContext) => T | Promise<T>;

/** What one caller asks for itself; the flight and its other callers are not affected. */
export interface CallOptions {
  /** Detaches this caller when aborted; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
  /** Detaches this caller after so many ms (1 to 2_147_483_647) with `FlightTimeoutError`. Default: the coalescer's `timeoutMs`. */
  timeoutMs?: number;
}

export interface WrapOptions<A extends unknown[]> {
  /** The key of a call, from its arguments. Must be deterministic; see `flightKey`. */
  key: (...args: A) => string;
}

export interface CloseOptions {
  /** How long flights under way may still finish. Integer ms, 0 to 2_147_483_647, default 5_000. */
  drainMs?: number;
}

export interface Coalescer<V = unknown> {
  /** Runs `work` for `key`, or waits for the flight of that key already under way, and returns its outcome. */
  do<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<T>;
  /** `do()` with the story of the flight around the value. */
  fly<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<FlightResult<T>>;
  /**
   * A function that coalesces its own calls by `options.key`; `work` gets the flight's signal after the arguments of the
   * call, so a parameter that the caller may leave out would receive the signal: give such a function one options object.
   */
  wrap<A extends unknown[], T extends V>(
    work: (...args: [...A, AbortSignal]) => Promise<T>,
    options: WrapOptions<A>,
  ): (...args: A) => Promise<T>;
  /** Later calls of `key` start a new execution; callers of the present flight still get its outcome. True if something was dropped. */
  forget(key: string): Promise<boolean>;
  /** Resolves when calls can be coalesced as configured, or when it is clear that they cannot. */
  ready(): Promise<void>;
  /**
   * Refuses new calls (those that work under way makes as well), lets flights finish for `drainMs`, then aborts their
   * work and rejects their callers with `ClosedError`. A second close waits for the first, whatever its `drainMs`.
   */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws InvalidArgumentError naming the argument, its value and the rule. */
export function checkCall(key: unknown, work: unknown, options: unknown): void {
  checkKey(key);
  if (typeof work !== "function") throw new InvalidArgumentError("work", work, "must be a function");
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("options", options, "must be an object");
  }
  const { signal, timeoutMs } = options as { signal?: unknown; timeoutMs?: unknown };
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidArgumentError("signal", signal, "must be an AbortSignal");
  }
  if (timeoutMs !== undefined) checkTimerMs("timeoutMs", timeoutMs);
}

/** @throws InvalidArgumentError */
export function checkKey(key: unknown): void {
  if (typeof key !== "string") throw new InvalidArgumentError("key", key, "must be a string");
}

/** @throws InvalidArgumentError when a timer could not keep the delay. */
export function checkTimerMs(argument: string, ms: unknown, min = 1): asserts ms is number {
  if (typeof ms === "number" && Number.isInteger(ms) && ms >= min && ms <= MAX_TIMER_MS) return;
  throw new InvalidArgumentError(argument, ms, `must be an integer from ${min} to ${MAX_TIMER_MS}`);
}

/** The one implementation of `Coalescer.wrap`. */
export function wrapCoalesced<V, A extends unknown[], T extends V>(
  coalescer: Coalescer<V>,
  work: (...args: [...A, AbortSignal]) => Promise<T>,
  options: WrapOptions<A>,
): (...args: A) => Promise<T> {
  if (typeof work !== "function") throw new InvalidArgumentError("work", work, "must be a function");
  if (typeof options?.key !== "function") {
    throw new InvalidArgumentError(
      "options.key",
      options?.key,
      "must be a function from the arguments to a key",
    );
  }
  const { key } = options;
  return async (...args) => coalescer.do<T>(key(...args), (signal) => work(...args, signal));
}
