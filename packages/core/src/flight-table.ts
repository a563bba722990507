/**
 * The flights of one process, by key: joins concurrent calls, replaces flights that are too old or too many, and
 * lets go of everything on close. A flight is removed by identity, never by key alone, so that an older flight can
 * not take its successor's entry with it.
 *
 * Foreign code (observers, abort listeners, the work itself) may call back at any moment it runs. So it runs only
 * when the table is consistent again: the new flight entered, its caller attached, `close` under way.
 */
import { ancestorOf, currentAncestor, isInside, refusesFlight, type Ancestor } from "./ancestry.ts";
import { background } from "./background.ts";
import { MAX_TIMER_MS } from "./clock.ts";
import { checkCall, checkKey, type CallOptions, type CloseOptions, type Work } from "./coalescer.ts";
import {
  ClosedError,
  FlightAgedError,
  FlightEvictedError,
  FlightsFullError,
  ReentrantCallError,
} from "./errors.ts";
import { FlightIds } from "./flight-ids.ts";
import { FlightIndex } from "./flight-index.ts";
import { FlightTeller } from "./flight-teller.ts";
import { Flight } from "./flight.ts";
import { localPilot } from "./local-pilot.ts";
import type { Emitter, FlightEvent } from "./observer.ts";
import type { FlightLimits } from "./options.ts";
import type { Pilot } from "./pilot.ts";
import { check, integer } from "./rule.ts";
import { RunClock } from "./run-clock.ts";
import type { Waiter } from "./waiter.ts";

export const DEFAULT_DRAIN_MS = 5_000;
const A_DRAIN_MS = integer(0, MAX_TIMER_MS);

/** What is chained to it runs when everything under way has returned. */
const EMPTY_STACK = Promise.resolve();

const NO_WORK = (): Promise<void> => EMPTY_STACK;

/** Of the whole process: one observer may listen to several coalescers. */
let calls = 0;

export class FlightTable {
  readonly limits: FlightLimits;
  readonly emitter: Emitter<FlightEvent>;
  readonly teller: FlightTeller;
  readonly runClock: RunClock;
  readonly ids: FlightIds;
  /** V8 discards what it has compiled for flights when it collects garbage and finds none; so there always is one. */
  readonly exemplar: Flight;
  readonly #flights = new FlightIndex();
  /** Flights with callers but without a place in the table: evicted, aged, forgotten, or bypassing it. */
  readonly #strays = new Set<Flight>();
  #closing: Promise<void> | undefined;
  /** The drain time is over: whoever still waits is let go. */
  #drained = false;
  #onEmpty: (() => void) | undefined;

  constructor(limits: FlightLimits, emitter: Emitter<FlightEvent>) {
    this.limits = limits;
    this.emitter = emitter;
    this.teller = new FlightTeller(limits, emitter);
    this.runClock = new RunClock(limits.clock);
    this.ids = new FlightIds(limits.randomness);
    this.exemplar = new Flight(this, "", NO_WORK, localPilot, this.#ancestor("", undefined));
  }

  /** Flights that still have callers. */
  get size(): number {
    return this.#flights.size + this.#strays.size;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** One call: joins the flight of `key`, or opens one that `pilot` flies. Rejects, never throws. */
  call(
    key: string,
    work: Work<unknown>,
    options: CallOptions | undefined,
    wantsStory: boolean,
    pilot: Pilot,
  ): Promise<unknown> {
    let opened: Flight | undefined;
    let promise: Promise<unknown> | undefined;
    try {
      checkCall(key, work, options);
      if (this.closed) this.teller.refuse(key, "closed", new ClosedError());
      if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason);
      const inside = this.limits.detectReentry ? currentAncestor() : undefined;
      if (inside !== undefined && isInside(inside, this, key)) this.#refuseReentry(key);
      // Zero: nobody listens, so nothing need be known of this call.
      const callId = this.emitter.active ? ++calls : 0;
      const present = this.#flights.get(key);
      if (present !== undefined && !this.#isAged(present)) {
        if (inside !== undefined && refusesFlight(inside, present.flightId)) this.#refuseReentry(key);
        const joined = present.attach(work, options, wantsStory, callId, inside);
        if (callId !== 0) this.teller.tell("call-started", present, { callId });
        return joined;
      }
      if (present === undefined) this.#refuseWhenFull(key);
      opened = new Flight(this, key, work, pilot, this.#ancestor(key, inside));
      promise = opened.attach(work, options, wantsStory, callId, inside);
      if (!opened.over) this.#takeOff(opened, present, callId);
      return promise;
    } catch (error) {
      if (opened !== undefined) {
        // Only a full stack interrupts a take-off. It is full still: whoever waits is answered from an empty one.
        const flight = opened;
        const hasCaller = promise !== undefined;
        const end = (): void => (hasCaller ? flight.fail(error) : flight.discard());
        background(EMPTY_STACK.then(end));
      }
      return promise ?? Promise.reject(error);
    }
  }

  /** Moves waiters of an earlier flight to the present one of `key`, or to a new one. */
  rehome(key: string, waiters: readonly Waiter[], pilot: Pilot): void {
    const staying = waiters.filter((waiter) => !waiter.settled);
    const [first] = staying;
    if (first === undefined) return;
    let flight = this.#drained ? undefined : this.#flights.get(key);
    const opened = flight === undefined;
    flight ??= new Flight(this, key, first.work as Work<unknown>, pilot, this.#ancestor(key, first.inside));
    for (const waiter of staying) flight.adopt(waiter);
    if (!opened) return;
    if (this.#drained) {
      flight.fail(new ClosedError(), undefined, "closed");
      return;
    }
    this.#flights.enter(flight);
    first.inCallerContext(flight.launch.bind(flight));
  }

  /** Later calls of `key` start anew. The present flight goes on for its callers. */
  forget(key: string): boolean {
    checkKey(key);
    const flight = this.#flights.get(key);
    if (flight === undefined) return false;
    this.detach(flight);
    this.teller.tell("flight-forgotten", flight, {});
    return true;
  }

  /** Takes a flight out of the table while it keeps its callers; its own work may ask for the key again. */
  detach(flight: Flight): void {
    if (flight.over) return;
    this.#displace(flight);
    if (flight.ancestor !== undefined) flight.ancestor.over = true;
  }

  /** Removes the flight, and only this one: its key may belong to a newer flight by now. */
  remove(flight: Flight): void {
    if (!this.#flights.leave(flight)) this.#strays.delete(flight);
    if (flight.ancestor !== undefined) flight.ancestor.over = true;
    if (this.#onEmpty !== undefined && this.size === 0) this.#onEmpty();
  }

  /**
   * Refuses new calls and waits for flights to end; after `drainMs`, hands each one left to `evacuate`, which must
   * answer its callers. Closing twice is the same as closing once.
   *
   * @throws InvalidArgumentError (as a rejection) when `drainMs` is not an integer from 0 to 2_147_483_647.
   */
  async close(
    options: CloseOptions | undefined,
    evacuate: (flight: Flight, reason: ClosedError) => void,
  ): Promise<void> {
    const drainMs = options?.drainMs ?? DEFAULT_DRAIN_MS;
    check("drainMs", drainMs, A_DRAIN_MS);
    await (this.#closing ??= this.#drain(drainMs, evacuate));
  }

  #refuseWhenFull(key: string): void {
    const { maxEntries, onFull } = this.limits;
    if (onFull !== "reject" || this.#flights.size < maxEntries) return;
    this.teller.refuse(key, "full", new FlightsFullError(maxEntries));
  }

  #refuseReentry(key: string): never {
    this.teller.refuse(key, "reentrant", new ReentrantCallError());
  }

  #isAged(flight: Flight): boolean {
    const { startedAt } = flight;
    return startedAt !== undefined && this.runClock.now() - startedAt >= flight.ageLimitMs;
  }

  /** Enters a flight that has its first caller, in place of the aged one or of the oldest if need be, and launches it. */
  #takeOff(flight: Flight, aged: Flight | undefined, callId: number): void {
    const { maxEntries, onFull } = this.limits;
    const full = aged === undefined && this.#flights.size >= maxEntries;
    const bypasses = full && onFull === "bypass";
    const replaced = full && !bypasses ? this.#flights.oldest : aged;
    if (replaced !== undefined) this.#displace(replaced);
    if (bypasses) this.#strays.add(flight);
    else this.#flights.enter(flight);
    if (replaced !== undefined) {
      this.teller.tell(full ? "flight-evicted" : "flight-aged", replaced, {});
      replaced.replace(full ? new FlightEvictedError(maxEntries) : new FlightAgedError(replaced.ageLimitMs));
    }
    if (bypasses) this.teller.tell("flight-bypassed", flight, {});
    if (callId !== 0) this.teller.tell("call-started", flight, { callId });
    flight.launch();
  }

  /** Takes a flight's place in the table from it. It counts as a stray until it has answered its callers. */
  #displace(flight: Flight): void {
    this.#flights.leave(flight);
    this.#strays.add(flight);
  }

  #ancestor(key: string, parent: Ancestor | undefined): Ancestor | undefined {
    return this.limits.detectReentry ? ancestorOf(this, key, parent) : undefined;
  }

  async #drain(drainMs: number, evacuate: (flight: Flight, reason: ClosedError) => void): Promise<void> {
    await this.#emptyWithin(drainMs);
    this.#drained = true;
    const left = [...this.#flights, ...this.#strays].filter(({ over }) => !over);
    for (const flight of left) evacuate(flight, new ClosedError());
    // Callers that share a promise learn of it some microtasks after the others, and before whoever closes.
    await Promise.all(left.filter(({ over }) => over).map((flight) => flight.told()));
  }

  /** Resolves when no flight is left, at the latest after `ms`. */
  async #emptyWithin(ms: number): Promise<void> {
    if (this.size === 0 || ms === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const timer = this.limits.clock.setTimer(resolve, ms);
    await promise;
    timer.cancel();
    this.#onEmpty = undefined;
  }
}
