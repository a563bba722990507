/**
 * In-process request coalescing: while a key's work is under way, further calls of that key wait for the same outcome.
 * Not promised: anything across processes (see `@skein/cluster`), caching (an outcome is gone once delivered), or
 * mutual exclusion (an evicted, aged or forgotten flight overlaps its successor). The clock is monotonic.
 */
import type { CallOptions, CloseOptions, Coalescer, Work, WrapOptions } from "./coalescer.ts";
import { wrapCoalesced } from "./coalescer.ts";
import { FlightTable } from "./flight-table.ts";
import { offerKeyPrefix } from "./fusion.ts";
import type { FlightResult } from "./flight-result.ts";
import { evacuateLocally, localPilot } from "./local-pilot.ts";
import { Emitter } from "./observer.ts";
import { flightLimits, type SingleflightOptions } from "./options.ts";

export class Singleflight<V = unknown> implements Coalescer<V> {
  readonly #table: FlightTable;

  /** @throws InvalidOptionError naming the option, its value and the rule. */
  constructor(options: SingleflightOptions = {}) {
    const limits = flightLimits(options);
    this.#table = new FlightTable(limits, new Emitter(options.observer));
    offerKeyPrefix(this, limits.keyPrefixOf);
  }

  /** Flights under way, replaced ones that still answer their callers included. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Calls `work` synchronously, or waits for the flight of `key` already under way; every caller of a flight gets the
   * same value or the same error. Nothing is kept afterwards but, for a while, the name of the key. The value is shared,
   * not copied, and it is that of the first caller's work: callers of one key must mean the same thing by it, and must
   * not change what they get.
   *
   * Rejects with what the work threw, `options.signal.reason`, or: FlightTimeoutError, FlightsFullError,
   * TooManyWaitersError, ReentrantCallError, ClosedError, InvalidArgumentError.
   */
  do<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<T> {
    return this.#table.call(key, work, options, false, localPilot) as Promise<T>;
  }

  /** `do()`, with the story of the flight around the value; `role` is always "local". */
  fly<T extends V>(key: string, work: Work<T>, options?: CallOptions): Promise<FlightResult<T>> {
    return this.#table.call(key, work, options, true, localPilot) as Promise<FlightResult<T>>;
  }

  wrap<A extends unknown[], T extends V>(
    work: (...args: [...A, AbortSignal]) => Promise<T>,
    options: WrapOptions<A>,
  ): (...args: A) => Promise<T> {
    return wrapCoalesced<V, A, T>(this, work, options);
  }

  /** Later calls of `key` start a new execution. The flight under way, if any, still answers the callers it has. */
  async forget(key: string): Promise<boolean> {
    return this.#table.forget(key);
  }

  /** Resolves at once: there is nothing to connect to. */
  async ready(): Promise<void> {}

  /** @throws InvalidArgumentError when `drainMs` is out of range; nothing is closed then. */
  close(options?: CloseOptions): Promise<void> {
    return this.#table.close(options, evacuateLocally);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
