/**
 * The interface that one process (`Singleflight`) and a fleet (`ClusterSingleflight`) share: moving from one to the
 * other is one line. Not promised by either: mutual exclusion. It saves work; it does not protect a resource.
 */
import type { FlightContext, FlightResult } from "./flight-result.ts";
import { A_FUNCTION, A_SIGNAL, A_STRING, A_TIMER_MS, AN_OBJECT, check } from "./rule.ts";

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
export function checkCall(key: unknown, work: unknown, options: CallOptions | undefined): void {
  // Nearly every call is like this; asking the rules one by one is felt by callers that only wait.
  if (typeof key === "string" && typeof work === "function" && options === undefined) return;
  checkKey(key);
  check("work", work, A_FUNCTION);
  if (options === undefined) return;
  check("options", options, AN_OBJECT);
  const { signal, timeoutMs } = options;
  if (signal !== undefined) check("signal", signal, A_SIGNAL);
  if (timeoutMs !== undefined) check("timeoutMs", timeoutMs, A_TIMER_MS);
}

/** @throws InvalidArgumentError */
export function checkKey(key: unknown): void {
  check("key", key, A_STRING);
}

/** The one implementation of `Coalescer.wrap`. */
export function wrapCoalesced<V, A extends unknown[], T extends V>(
  coalescer: Coalescer<V>,
  work: (...args: [...A, AbortSignal]) => Promise<T>,
  options: WrapOptions<A>,
): (...args: A) => Promise<T> {
  check("work", work, A_FUNCTION);
  check("options.key", options?.key, A_FUNCTION);
  const { key } = options;
  return async (...args) => coalescer.do<T>(key(...args), (signal) => work(...args, signal));
}
