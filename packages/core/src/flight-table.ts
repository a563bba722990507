/**
 * The flights of one process, by key: joins concurrent calls, replaces flights that are too old or too many, and
 * lets go of everything on close. A flight is removed by identity, never by key alone, so that an older flight can
 * not take its successor's entry with it.
 */
import { currentAncestor, isInside, type Ancestor } from "./ancestry.ts";
import type { CallOptions, CloseOptions, Work } from "./coalescer.ts";
import {
  ClosedError,
  FlightAgedError,
  FlightEvictedError,
  FlightsFullError,
  InvalidArgumentError,
  ReentrantCallError,
} from "./errors.ts";
import { Flight, type Pilot } from "./flight.ts";
import type { Emitter, FlightEvent } from "./observer.ts";
import { MAX_TIMER_MS, type FlightLimits } from "./options.ts";
import type { Waiter } from "./waiter.ts";

const DEFAULT_DRAIN_MS = 5_000;

/** Who a flight is about, as events say it. */
type About = { keyPrefix: string; flightId: string; key?: string };

export class FlightTable {
  readonly limits: FlightLimits;
  readonly emitter: Emitter<FlightEvent>;
  readonly #idPrefix: string;
  #ids = 0;
  readonly #flights = new Map<string, Flight>();
  /** Flights with callers but without a place in the table: evicted, aged, forgotten, or bypassing it. */
  readonly #strays = new Set<Flight>();
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(limits: FlightLimits, emitter: Emitter<FlightEvent>) {
    this.limits = limits;
    this.emitter = emitter;
    this.#idPrefix = limits.randomness.identifier(8);
  }

  /** Flights that still have callers. */
  get size(): number {
    return this.#flights.size + this.#strays.size;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  nextFlightId(): string {
    return `${this.#idPrefix}-${++this.#ids}`;
  }

  /** One call: joins the flight of `key`, or opens one that `pilot` flies. Rejects, never throws. */
  call(
    key: string,
    work: Work<unknown>,
    options: CallOptions | undefined,
    wantsStory: boolean,
    pilot: Pilot,
  ): Promise<unknown> {
    try {
      this.#check(key, work, options);
      if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason);
      let flight = this.#current(key);
      const opened = flight === undefined;
      flight ??= this.#open(key, work, pilot);
      const plain = options === undefined && !wantsStory && this.limits.timeoutMs === undefined;
      const promise =
        plain && pilot.sharesPromise && !this.emitter.active
          ? flight.attachPlain()
          : flight.attach(work, options, wantsStory);
      if (opened) pilot.launch(flight);
      return promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Moves waiters of an earlier flight to the present one of `key`, or to a new one. */
  rehome(key: string, waiters: readonly Waiter[], pilot: Pilot): void {
    const [first] = waiters;
    if (first === undefined) return;
    let flight = this.#flights.get(key);
    const opened = flight === undefined;
    flight ??= this.#enter(new Flight(this, key, first.work as Work<unknown>, pilot, this.#ancestor(key)));
    for (const waiter of waiters) flight.adopt(waiter);
    if (opened) pilot.launch(flight);
  }

  /** Later calls of `key` start anew. The present flight goes on for its callers. */
  forget(key: string): boolean {
    const flight = this.#flights.get(key);
    if (flight === undefined) return false;
    this.detach(flight);
    if (this.emitter.active) this.emitter.emit({ type: "flight-forgotten", ...this.about(key, flight.localId) });
    return true;
  }

  /** Takes a flight out of the table while it keeps its callers. */
  detach(flight: Flight): void {
    if (flight.over) return;
    this.remove(flight);
    this.#strays.add(flight);
  }

  /** Removes the flight, and only this one: its key may belong to a newer flight by now. */
  remove(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
    else this.#strays.delete(flight);
    if (flight.ancestor !== undefined) flight.ancestor.over = true;
    if (this.#onEmpty !== undefined && this.size === 0) this.#onEmpty();
  }

  /**
   * Refuses new calls and waits for flights to end; after `drainMs`, hands each one left to `evacuate`, which must
   * answer its callers. Closing twice is the same as closing once.
   *
   * @throws InvalidArgumentError (as a rejection) when `drainMs` is not an integer from 0 to 2_147_483_647.
   */
  async close(options: CloseOptions | undefined, evacuate: (flight: Flight, reason: ClosedError) => void): Promise<void> {
    const drainMs = options?.drainMs ?? DEFAULT_DRAIN_MS;
    if (!Number.isInteger(drainMs) || drainMs < 0 || drainMs > MAX_TIMER_MS) {
      throw new InvalidArgumentError("drainMs", drainMs, `must be an integer from 0 to ${MAX_TIMER_MS}`);
    }
    await (this.#closing ??= this.#drain(drainMs, evacuate));
  }

  about(key: string, flightId: string): About {
    const about: About = { keyPrefix: this.limits.keyPrefixOf(key) ?? "other", flightId };
    if (this.limits.exposeKeys) about.key = key;
    return about;
  }

  tellRefused(key: string, why: "full" | "waiters" | "reentrant" | "closed"): void {
    if (!this.emitter.active) return;
    const { keyPrefix, key: exposed } = this.about(key, "");
    this.emitter.emit({ type: "call-refused", keyPrefix, why, ...(exposed === undefined ? {} : { key: exposed }) });
  }

  #check(key: unknown, work: unknown, options: CallOptions | undefined): void {
    if (typeof key !== "string") throw new InvalidArgumentError("key", key, "must be a string");
    if (typeof work !== "function") throw new InvalidArgumentError("work", work, "must be a function");
    if (options !== undefined) checkCallOptions(options);
    if (this.#closing === undefined) return;
    this.tellRefused(key, "closed");
    throw new ClosedError();
  }

  /** The flight a new caller may join. */
  #current(key: string): Flight | undefined {
    const flight = this.#flights.get(key);
    if (flight === undefined) return undefined;
    this.#refuseReentry(key);
    const { startedAt } = flight;
    if (startedAt === undefined || this.limits.clock.now() - startedAt < flight.ageLimitMs) return flight;
    this.detach(flight);
    if (this.emitter.active) this.emitter.emit({ type: "flight-aged", ...this.about(key, flight.localId) });
    flight.pilot.onReplaced(flight, new FlightAgedError(flight.ageLimitMs));
    return undefined;
  }

  #refuseReentry(key: string): void {
    if (!this.limits.detectReentry || !isInside(this, key)) return;
    this.tellRefused(key, "reentrant");
    throw new ReentrantCallError();
  }

  #open(key: string, work: Work<unknown>, pilot: Pilot): Flight {
    const { maxEntries, onFull } = this.limits;
    if (this.#flights.size < maxEntries) return this.#enter(new Flight(this, key, work, pilot, this.#ancestor(key)));
    if (onFull === "reject") {
      this.tellRefused(key, "full");
      throw new FlightsFullError(maxEntries);
    }
    if (onFull === "bypass") {
      // A bypassing flight is not in the table, so its own work would not find it there and recurse for ever.
      this.#refuseReentry(key);
      const flight = new Flight(this, key, work, pilot, this.#ancestor(key));
      this.#strays.add(flight);
      if (this.emitter.active) this.emitter.emit({ type: "flight-bypassed", ...this.about(key, flight.localId) });
      return flight;
    }
    this.#evictOldest();
    return this.#enter(new Flight(this, key, work, pilot, this.#ancestor(key)));
  }

  #evictOldest(): void {
    for (const flight of this.#flights.values()) {
      this.detach(flight);
      if (this.emitter.active) this.emitter.emit({ type: "flight-evicted", ...this.about(flight.key, flight.localId) });
      flight.pilot.onReplaced(flight, new FlightEvictedError(this.limits.maxEntries));
      return;
    }
  }

  #enter(flight: Flight): Flight {
    this.#flights.set(flight.key, flight);
    return flight;
  }

  #ancestor(key: string): Ancestor | undefined {
    if (!this.limits.detectReentry) return undefined;
    return { scope: this, key, over: false, parent: currentAncestor() };
  }

  async #drain(drainMs: number, evacuate: (flight: Flight, reason: ClosedError) => void): Promise<void> {
    if (this.size > 0 && drainMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onEmpty = resolve;
      const timer = this.limits.clock.setTimer(resolve, drainMs);
      await promise;
      timer.cancel();
      this.#onEmpty = undefined;
    }
    for (const flight of [...this.#flights.values(), ...this.#strays]) evacuate(flight, new ClosedError());
  }
}

function checkCallOptions(options: CallOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("options", options, "must be an object");
  }
  const { signal, timeoutMs } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidArgumentError("signal", signal, "must be an AbortSignal");
  }
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMER_MS)) {
    throw new InvalidArgumentError("timeoutMs", timeoutMs, `must be an integer from 1 to ${MAX_TIMER_MS}`);
  }
}
