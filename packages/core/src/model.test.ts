/**
 * Random schedules of calls, departures, settlements and forgets, held against a model that says in few lines what core
 * promises. Model and core must agree after every step on the executions begun, what each was aborted with, how each
 * call ended, and how many flights still have callers.
 */
import { setImmediate } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { Singleflight, SkeinError, type OnFull } from "./index.ts";

interface Limits {
  maxEntries: number;
  maxAgeMs: number;
  maxWaiters: number;
  onFull: OnFull;
}

type Step =
  | { type: "call"; key: string; as: "plain" | "story" | "signal" | "timeout" }
  | { type: "leave"; call: number }
  | { type: "settle"; flight: number; outcome: "value" | "error" }
  | { type: "forget"; key: string }
  | { type: "advance"; ms: number }
  | { type: "turn" };

const CALL_TIMEOUT_MS = 50;

interface ModelFlight {
  readonly key: string;
  readonly startedAt: number;
  readonly callers: Set<ModelCall>;
  readonly id: number;
  abortedWith: string | undefined;
}

interface ModelCall {
  readonly flight: ModelFlight | undefined;
  readonly canAbort: boolean;
  readonly dueAt: number;
  ending: string;
}

class Model {
  readonly limits: Limits;
  readonly flights: ModelFlight[] = [];
  readonly calls: ModelCall[] = [];
  readonly forgotten: boolean[] = [];
  /** The flight that a new caller of a key would join, oldest first. */
  readonly current = new Map<string, ModelFlight>();
  #now = 0;
  #settled: [ModelFlight, "value" | "error"][] = [];

  constructor(limits: Limits) {
    this.limits = limits;
  }

  get size(): number {
    return this.flights.filter(({ callers }) => callers.size > 0).length;
  }

  call(key: string, as: string): void {
    const { maxAgeMs, maxEntries, maxWaiters, onFull } = this.limits;
    let flight = this.current.get(key);
    const aged = flight !== undefined && this.#now - flight.startedAt >= maxAgeMs;
    if (aged) this.#replace(flight, "ERR_SKEIN_AGED");
    if (aged) flight = undefined;
    if (flight !== undefined && flight.callers.size >= maxWaiters) {
      this.#refuse("ERR_SKEIN_TOO_MANY_WAITERS");
      return;
    }
    if (flight === undefined) {
      const full = this.current.size >= maxEntries;
      if (full && onFull === "reject") {
        this.#refuse("ERR_SKEIN_FULL");
        return;
      }
      const evicts = full && onFull === "evict-oldest";
      if (evicts) this.#replace([...this.current.values()][0], "ERR_SKEIN_EVICTED");
      flight = {
        key,
        startedAt: this.#now,
        callers: new Set(),
        id: this.flights.length,
        abortedWith: undefined,
      };
      this.flights.push(flight);
      if (!full || evicts) this.current.set(key, flight);
    }
    const dueAt = as === "timeout" ? this.#now + CALL_TIMEOUT_MS : Infinity;
    const call = { flight, canAbort: as === "signal", dueAt, ending: "pending" };
    this.calls.push(call);
    flight.callers.add(call);
  }

  leave(index: number): void {
    const call = this.calls[index];
    if (call?.canAbort === true) this.#depart(call, "left");
  }

  settle(index: number, outcome: "value" | "error"): void {
    const flight = this.flights[index];
    const isNew = !this.#settled.some(([settled]) => settled === flight);
    if (flight !== undefined && isNew) this.#settled.push([flight, outcome]);
  }

  forget(key: string): void {
    this.forgotten.push(this.current.delete(key));
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const call of this.calls) if (call.dueAt <= this.#now) this.#depart(call, "ERR_SKEIN_TIMEOUT");
  }

  turn(): void {
    for (const [flight, outcome] of this.#settled) {
      for (const call of flight.callers) call.ending = `${outcome} ${flight.id}`;
      this.#end(flight);
    }
  }

  #depart(call: ModelCall, ending: string): void {
    if (call.ending !== "pending" || call.flight === undefined) return;
    Object.assign(call, { ending });
    call.flight.callers.delete(call);
    if (call.flight.callers.size > 0) return;
    call.flight.abortedWith ??= "ERR_SKEIN_UNWANTED";
    this.#end(call.flight);
  }

  #replace(flight: ModelFlight | undefined, reason: string): void {
    if (flight === undefined) return;
    flight.abortedWith ??= reason;
    this.current.delete(flight.key);
  }

  #refuse(ending: string): void {
    this.calls.push({ flight: undefined, canAbort: false, dueAt: Infinity, ending });
  }

  #end(flight: ModelFlight): void {
    flight.callers.clear();
    if (this.current.get(flight.key) === flight) this.current.delete(flight.key);
  }
}

class Subject {
  readonly clock = new ManualClock();
  readonly gate = new GatedWork<string>();
  readonly endings: string[] = [];
  readonly callers: AbortController[] = [];
  readonly forgotten: Promise<boolean>[] = [];
  readonly flights: Singleflight<string>;

  constructor(limits: Limits) {
    this.flights = new Singleflight<string>({ ...limits, clock: this.clock });
  }

  call(key: string, as: "plain" | "story" | "signal" | "timeout"): void {
    const index = this.endings.push("pending") - 1;
    const caller = new AbortController();
    this.callers.push(caller);
    const options = as === "signal" ? { signal: caller.signal } : { timeoutMs: CALL_TIMEOUT_MS };
    const { flights, gate } = this;
    const promise =
      as === "story"
        ? flights.fly(key, gate.work).then(({ value }) => value)
        : flights.do(key, gate.work, as === "plain" ? undefined : options);
    const end = (ending: string): void => {
      // Answered exactly once: a second answer would show here.
      this.endings[index] = this.endings[index] === "pending" ? ending : `answered twice: ${ending}`;
    };
    promise.then(end, (error: unknown) =>
      end(error instanceof SkeinError ? error.code : (error as Error).message),
    );
  }

  leave(index: number): void {
    this.callers[index]?.abort(new Error("left"));
  }

  forget(key: string): void {
    this.forgotten.push(this.flights.forget(key));
  }

  settle(index: number, outcome: "value" | "error"): void {
    const run = this.gate.runs[index];
    if (outcome === "value") run?.resolve(`value ${index}`);
    else run?.reject(new Error(`error ${index}`));
  }
}

const keys = fc.constantFrom("a", "b", "c", "__proto__");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("call"),
      key: keys,
      as: fc.constantFrom("plain", "story", "signal", "timeout"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("leave"), call: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("settle"),
      flight: fc.nat(12),
      outcome: fc.constantFrom("value", "error"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("forget"), key: keys }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("advance"), ms: fc.constantFrom(10, 50, 99, 100) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ type: "turn" }) },
) as fc.Arbitrary<Step>;
const limits: fc.Arbitrary<Limits> = fc.record({
  maxEntries: fc.constantFrom(1, 2, 3, 100),
  maxAgeMs: fc.constantFrom(100, 1_000_000),
  maxWaiters: fc.constantFrom(1, 2, 1_000),
  onFull: fc.constantFrom<OnFull>("evict-oldest", "bypass", "reject"),
});

test("core does what the model says, whatever the schedule", async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 40 }), async (options, schedule) => {
      const model = new Model(options);
      const subject = new Subject(options);
      for (const each of schedule) {
        // Steps between two turns happen at once, with nothing in between: what settles lands in the next turn.
        if (each.type === "turn") await turn(model, subject);
        else take(each, model, subject);
        expect(doings(subject)).toEqual(sayings(model));
      }
      for (let index = 0; index < model.flights.length; index++) {
        model.settle(index, "value");
        subject.settle(index, "value");
      }
      await turn(model, subject);
      expect(subject.endings).not.toContain("pending");
      expect([subject.flights.size, subject.clock.armed]).toEqual([0, 0]);
    }),
    { numRuns: 1_500 },
  );
}, 300_000);

function take(each: Exclude<Step, { type: "turn" }>, model: Model, subject: Subject): void {
  switch (each.type) {
    case "call":
      model.call(each.key, each.as);
      subject.call(each.key, each.as);
      break;
    case "leave":
      model.leave(each.call);
      subject.leave(each.call);
      break;
    case "settle":
      model.settle(each.flight, each.outcome);
      subject.settle(each.flight, each.outcome);
      break;
    case "forget":
      model.forget(each.key);
      subject.forget(each.key);
      break;
    case "advance":
      model.advance(each.ms);
      subject.clock.advance(each.ms);
      break;
  }
}

async function turn(model: Model, subject: Subject): Promise<void> {
  model.turn();
  await setImmediate();
  expect(subject.endings).toEqual(model.calls.map(({ ending }) => ending));
  expect(await Promise.all(subject.forgotten)).toEqual(model.forgotten);
}

/** What can be seen without waiting. */
function doings({ gate, flights }: Subject): unknown {
  return {
    executions: gate.runs.map(({ flight }) => flight.key),
    aborts: gate.runs.map(({ signal }) => (signal.aborted ? (signal.reason as SkeinError).code : undefined)),
    size: flights.size,
  };
}

function sayings({ flights, size }: Model): unknown {
  return {
    executions: flights.map(({ key }) => key),
    aborts: flights.map(({ abortedWith }) => abortedWith),
    size,
  };
}
