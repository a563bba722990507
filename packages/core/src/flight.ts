/**
 * One in-flight execution for one key: its callers, its abort signal, its one settlement. How the outcome comes about
 * is the pilot's business (run the work here, or ask the fleet); keeping the callers and answering each of them
 * exactly once is the flight's. Not promised: that the work stops when aborted. It is asked to.
 */
import { findFlight, refusesFlight, runInside, type Ancestor } from "./ancestry.ts";
import { asPromise } from "./as-promise.ts";
import { background } from "./background.ts";
import type { CallOptions, Work } from "./coalescer.ts";
import { ReentrantCallError, TooManyWaitersError } from "./errors.ts";
import { resultOf, type FlightContext, type Role } from "./flight-result.ts";
import type { FlightTable } from "./flight-table.ts";
import type { AboutFlight, CallEnding } from "./observer.ts";
import type { Pilot, Story } from "./pilot.ts";
import { Waiter, type WaiterHost } from "./waiter.ts";

export class Flight implements WaiterHost {
  readonly key: string;
  /** What the opening caller brought; a later caller's work is not called while this flight lasts. */
  readonly work: Work<unknown>;
  readonly table: FlightTable;
  readonly pilot: Pilot;
  /** This flight's place in the call chain; `undefined` when re-entry is not watched. */
  readonly ancestor: Ancestor | undefined;
  readonly localId: string;
  /** What this process is to the flight, and the flight's name, as far as is known: told of callers that leave early. */
  #standing: Story | undefined;
  /** When the work was called in this process, as the run's clock has it. */
  startedAt: number | undefined;
  /** Age at which the next caller replaces the flight; Infinity when the pilot watches the age itself. */
  ageLimitMs: number;
  /** Asked before callers are told of an error; what it returns is what they get instead. Must not throw. */
  rescue: ((error: unknown) => { readonly value: unknown } | undefined) | undefined;
  /** All callers have been answered, or have left. */
  over = false;
  /** It has its key's place in the table: none of its strays, and not over. Its neighbours there, by age. */
  listed = false;
  older: Flight | undefined;
  younger: Flight | undefined;
  #launched = false;
  /**
   * Callers that can neither leave nor ask for a story share one promise: nothing is allocated per caller. It is rejected by
   * being resolved with a promise that is: a function that rejects it, made for each flight, costs a twelfth of the flight.
   */
  #plainCallers = 0;
  #shared: Promise<unknown> | undefined;
  #resolve: ((value: unknown) => void) | undefined;
  #waiters: Set<Waiter> | undefined;
  #controller: AbortController | undefined;
  /** Whether a caller has been counted as the one that started the execution. */
  #charged = false;

  constructor(
    table: FlightTable,
    key: string,
    work: Work<unknown>,
    pilot: Pilot,
    ancestor: Ancestor | undefined,
  ) {
    this.table = table;
    this.key = key;
    this.work = work;
    this.pilot = pilot;
    this.ancestor = ancestor;
    this.localId = table.ids.next();
    this.ageLimitMs = table.limits.maxAgeMs;
  }

  /** What the flight is called elsewhere, as far as is known. */
  get flightId(): string {
    return this.#standing?.flightId ?? this.localId;
  }

  get callers(): number {
    return this.#plainCallers + (this.#waiters?.size ?? 0);
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: Error): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }

  get aborted(): boolean {
    return this.#controller?.signal.aborted === true;
  }

  /** Of a flight that is over: resolves when the callers that share a promise know. */
  async told(): Promise<void> {
    await this.#shared?.catch(() => undefined);
  }

  /**
   * A call of the work was refused for a flight that only the header of a caller names. Should the work fail, that is for
   * callers with the same header, and for no other process.
   */
  get failsApart(): boolean {
    return this.ancestor?.refusedFor !== undefined;
  }

  /** The story of a flight that nobody else took part in. */
  localStory(): Story {
    return { role: "local", flightId: this.localId, takeovers: 0 };
  }

  /** The pilot has found out who runs the work, and what the flight is called elsewhere. */
  becomes(role: Role, flightId: string): void {
    this.#standing = { role, flightId, takeovers: 0 };
    for (const waiter of this.#waiters ?? []) this.#refuseReentry(waiter);
  }

  /** Whom events are about; under the name that the flight has elsewhere, if it is given. */
  about(flightId: string = this.localId): AboutFlight {
    return this.table.teller.about(this.key, flightId);
  }

  /** Attaches a caller, which calls from `inside`; `callId` is 0 when nobody listens. */
  attach(
    work: Work<unknown>,
    options: CallOptions | undefined,
    wantsStory: boolean,
    callId: number,
    inside: Ancestor | undefined,
  ): Promise<unknown> {
    const { maxWaiters, timeoutMs, clock } = this.table.limits;
    if (this.callers >= maxWaiters) {
      this.table.teller.refuse(this.key, "waiters", new TooManyWaitersError(maxWaiters));
    }
    // Can neither leave nor ask for a story.
    const plain = options === undefined && !wantsStory && timeoutMs === undefined && callId === 0;
    // A flight that a header has to do with may have to tell its callers apart.
    if (plain && this.pilot.sharesPromise && this.ancestor?.chained !== true) {
      this.#plainCallers++;
      return (this.#shared ??= new Promise((resolve) => {
        this.#resolve = resolve;
      }));
    }
    const waiter = new Waiter(this, work, clock.now(), wantsStory, callId, inside);
    this.adopt(waiter);
    waiter.watch(clock, options, timeoutMs);
    return waiter.promise;
  }

  /** Takes over a waiter of an earlier flight of this key. */
  adopt(waiter: Waiter): void {
    waiter.host = this;
    (this.#waiters ??= new Set()).add(waiter);
    this.#refuseReentry(waiter);
  }

  /** Removes and returns the callers that came after `momentMs`: an outcome settled by then is not theirs. */
  takeLaterThan(momentMs: number): Waiter[] {
    return this.#take(({ attachedAt }) => attachedAt > momentMs);
  }

  /** Hands the flight to its pilot, unless its callers have left by now: nobody would want the outcome. */
  launch(): void {
    if (this.over) return;
    this.#launched = true;
    this.pilot.launch(this);
  }

  /** The flight has lost its place to another one: its work is to be aborted, its callers are still answered. */
  replace(reason: Error): void {
    if (this.over) return;
    if (this.#launched) this.pilot.onReplaced(this, reason);
    else this.abort(reason);
  }

  /** Calls the work now, in this process. A synchronous throw is a rejection. */
  execute(work: Work<unknown>, context: FlightContext): Promise<unknown> {
    const { table, ancestor } = this;
    if (ancestor !== undefined) ancestor.flightId = context.flightId;
    const { active } = table.emitter;
    this.startedAt = table.runClock.now();
    const calledAt = active ? table.limits.clock.now() : 0;
    if (active) {
      const asked = this.callers > 0 ? {} : ({ background: true } as const);
      table.teller.tell("execution-started", this, asked, context.flightId);
    }
    let execution: Promise<unknown>;
    try {
      const { signal } = this;
      execution = asPromise(
        ancestor === undefined ? work(signal, context) : runInside(ancestor, work, signal, context),
      );
    } catch (error) {
      execution = Promise.reject(error);
    }
    if (active) this.#tellExecution(execution, calledAt, context.flightId);
    return execution;
  }

  /** Answers every caller with a value; `told`: unless nobody else took part. Later settlements change nothing. */
  land(value: unknown, told?: Story): void {
    if (this.over) return;
    const shared = this.callers > 1 || told?.role === "follower";
    const waiters = this.#end();
    this.#resolve?.(value);
    if (waiters === undefined && !this.table.emitter.active) return;
    const story = told ?? this.localStory();
    this.#answer(waiters, "value", story, shared, (waiter) =>
      waiter.resolve(waiter.wantsStory ? resultOf(value, story, shared, this.#waitedMs(waiter)) : value),
    );
  }

  /** Answers every caller with an error; `told`: unless nobody else took part. Later settlements change nothing. */
  fail(error: unknown, told?: Story, ending: CallEnding = "error"): void {
    if (this.over) return;
    const rescued = ending === "error" ? this.rescue?.(error) : undefined;
    if (rescued !== undefined) {
      this.land(rescued.value, told);
      return;
    }
    const story = told ?? this.localStory();
    const others = ending === "error" ? this.#takeOthers() : [];
    const shared = this.callers > 1 || story.role === "follower";
    const waiters = this.#end();
    this.#resolve?.(Promise.reject(error));
    this.#answer(waiters, ending, story, shared, (waiter) => waiter.reject(error));
    // When the pilot has said what it has to say of this flight: the next one is not to meet it.
    if (others.length > 0) queueMicrotask(() => this.table.rehome(this.key, others, this.pilot));
  }

  /** Ends a flight whose caller never got its promise. */
  discard(): void {
    if (!this.over) this.#end();
  }

  onLeave(waiter: Waiter, ending: CallEnding): void {
    if (this.#waiters?.delete(waiter) !== true) return;
    const story = this.#standing ?? this.localStory();
    this.#tellCallEnded(waiter, ending, story, false);
    if (this.callers > 0 || this.over) return;
    this.#end();
    this.table.teller.tell("flight-unwanted", this, {});
    this.#tellFlightEnded(ending, story);
    if (this.#launched) this.pilot.onUnwanted(this);
  }

  /** A caller that runs inside of this very flight, which another process may lead, would wait for itself. */
  #refuseReentry(waiter: Waiter): void {
    if (!refusesFlight(waiter.inside, this.flightId)) return;
    // Not from the midst of what the pilot is doing: it may be the last caller that goes.
    queueMicrotask(() => waiter.leave("error", new ReentrantCallError()));
  }

  /** Removes and returns the callers that a failure after a refusal has nothing to do with; those outside of all flights first. */
  #takeOthers(): Waiter[] {
    const refusedFor = this.ancestor?.refusedFor;
    if (refusedFor === undefined) return [];
    const others = this.#take(({ inside }) => findFlight(inside, refusedFor) === undefined);
    return others.toSorted((a, b) => Number(a.inside !== undefined) - Number(b.inside !== undefined));
  }

  #take(goes: (waiter: Waiter) => boolean): Waiter[] {
    const taken = [...(this.#waiters ?? [])].filter(goes);
    for (const waiter of taken) this.#waiters?.delete(waiter);
    return taken;
  }

  /** From here on no caller can come or leave; those returned are to be answered. */
  #end(): Set<Waiter> | undefined {
    this.over = true;
    this.table.remove(this);
    const waiters = this.#waiters;
    this.#waiters = undefined;
    if (waiters !== undefined) for (const waiter of waiters) waiter.disarm();
    return waiters;
  }

  /** All callers before anybody is told: who listens finds them answered. */
  #answer(
    waiters: ReadonlySet<Waiter> | undefined,
    ending: CallEnding,
    story: Story,
    shared: boolean,
    answer: (waiter: Waiter) => void,
  ): void {
    waiters?.forEach(answer);
    waiters?.forEach((waiter) => this.#tellCallEnded(waiter, ending, story, shared));
    this.#tellFlightEnded(ending, story);
  }

  #tellExecution(execution: Promise<unknown>, calledAt: number, flightId: string): void {
    const tell = (outcome: "value" | "error"): void => {
      const { table, aborted } = this;
      const durationMs = table.limits.clock.now() - calledAt;
      table.teller.tell("execution-ended", this, { outcome, durationMs, aborted }, flightId);
    };
    background(
      execution.then(
        () => tell("value"),
        () => tell("error"),
      ),
    );
  }

  #tellFlightEnded(ending: CallEnding, { role, flightId }: Story): void {
    this.table.teller.tell("flight-ended", this, { ending, role }, flightId);
  }

  #tellCallEnded(waiter: Waiter, ending: CallEnding, story: Story, shared: boolean): void {
    const { teller, emitter } = this.table;
    if (!emitter.active) return;
    const { callId } = waiter;
    const { role, flightId, traceparent } = story;
    // Executions and coalesced calls add up to calls: each execution is charged to the first of its callers to end.
    const coalesced = this.startedAt === undefined || this.#charged;
    if (!coalesced) this.#charged = true;
    const waitedMs = this.#waitedMs(waiter);
    const traced = traceparent === undefined ? {} : { traceparent };
    teller.tell(
      "call-ended",
      this,
      { callId, ending, role, coalesced, shared, waitedMs, ...traced },
      flightId,
    );
  }

  #waitedMs(waiter: Waiter): number {
    return this.table.limits.clock.now() - waiter.attachedAt;
  }
}
