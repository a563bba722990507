import { describe, expect, test } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { containing } from "../test/matchers.ts";
import { ManualClock } from "../test/manual-clock.ts";
import {
  FlightAgedError,
  FlightEvictedError,
  FlightsFullError,
  Singleflight,
  TooManyWaitersError,
} from "./index.ts";

describe("an older flight never removes a newer one's entry", () => {
  test("when it lands after it was forgotten", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const old = flights.do("k", work);
    await flights.forget("k");
    const young = flights.do("k", work);
    run(0).resolve("old");
    expect(await old).toBe("old");
    const joins = flights.do("k", work);
    expect(runs).toHaveLength(2);
    run(1).resolve("young");
    expect(await Promise.all([young, joins])).toEqual(["young", "young"]);
  });

  test("when it fails after it was evicted", async () => {
    const flights = new Singleflight({ maxEntries: 1 });
    const { work, run, runs } = new GatedWork<string>();
    const old = flights.do("k", work);
    const other = flights.do("other", work);
    const young = flights.do("k", work);
    run(0).reject(new Error("old"));
    await expect(old).rejects.toThrow("old");
    const joins = flights.do("k", work);
    expect(runs).toHaveLength(3);
    run(1).resolve("other");
    run(2).resolve("young");
    expect(await Promise.all([other, young, joins])).toEqual(["other", "young", "young"]);
  });

  test("when it lands after it was replaced for its age", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, maxAgeMs: 100 });
    const { work, run, runs } = new GatedWork<string>();
    const old = flights.do("k", work);
    clock.advance(100);
    const young = flights.do("k", work);
    run(0).resolve("old");
    expect(await old).toBe("old");
    const joins = flights.do("k", work);
    expect(runs).toHaveLength(2);
    run(1).resolve("young");
    expect(await Promise.all([young, joins])).toEqual(["young", "young"]);
  });

  test("when its last caller leaves after it was forgotten", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const caller = new AbortController();
    const old = flights.do("k", work, { signal: caller.signal });
    await flights.forget("k");
    const young = flights.do("k", work);
    caller.abort("left");
    const joins = flights.do("k", work);
    expect(runs).toHaveLength(2);
    expect([run(0).signal.aborted, run(1).signal.aborted]).toEqual([true, false]);
    run(1).resolve("young");
    expect(await Promise.all([young, joins])).toEqual(["young", "young"]);
    expect(await endingOf(old)).toEqual({ error: "left" });
  });

  test("when it bypassed the table", async () => {
    const flights = new Singleflight({ maxEntries: 1, onFull: "bypass" });
    const { work, run, runs } = new GatedWork<string>();
    const full = flights.do("full", work);
    const bypassing = flights.do("k", work);
    run(0).resolve("full");
    await full;
    const entered = flights.do("k", work);
    run(1).resolve("bypassing");
    expect(await bypassing).toBe("bypassing");
    const joins = flights.do("k", work);
    expect(runs).toHaveLength(3);
    run(2).resolve("entered");
    expect(await Promise.all([entered, joins])).toEqual(["entered", "entered"]);
    expect(flights.size).toBe(0);
  });
});

describe("maxAgeMs", () => {
  test("replaces and aborts a flight of that age when the next caller arrives; its own callers get what it yields", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, maxAgeMs: 100 });
    const { work, run, runs } = new GatedWork<string>();
    const old = [flights.do("k", work), flights.fly("k", work)];
    clock.advance(100);
    expect(run(0).signal.aborted).toBe(false);
    const young = flights.do("k", work);
    expect(runs).toHaveLength(2);
    expect(run(0).signal.reason).toBeInstanceOf(FlightAgedError);
    expect(run(0).signal.reason).toMatchObject({
      code: "ERR_SKEIN_AGED",
      message: containing("100 ms"),
    });
    expect(flights.size).toBe(2);
    run(1).resolve("young");
    expect(await young).toBe("young");
    run(0).resolve("old");
    expect(await old[0]).toBe("old");
    expect(await old[1]).toMatchObject({ value: "old", shared: true });
    expect(flights.size).toBe(0);
  });

  test("lets callers join a flight that is younger, and keeps the default of 30 s", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run, runs } = new GatedWork<string>();
    const calls = [flights.do("k", work)];
    clock.advance(29_999);
    calls.push(flights.do("k", work));
    expect(runs).toHaveLength(1);
    clock.advance(1);
    calls.push(flights.do("k", work));
    expect(runs).toHaveLength(2);
    run(0).resolve("a");
    run(1).resolve("b");
    expect(await Promise.all(calls)).toEqual(["a", "a", "b"]);
  });

  test("hands the callers of a flight that obeys its abort the reason as their error", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, maxAgeMs: 100 });
    const obeys = (signal: AbortSignal): Promise<string> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const old = flights.do("k", obeys);
    clock.advance(100);
    expect(await flights.do("k", () => "young")).toBe("young");
    await expect(old).rejects.toBeInstanceOf(FlightAgedError);
  });

  test("makes room: an aged flight is replaced in a full table without evicting another", async () => {
    const clock = new ManualClock();
    for (const onFull of ["evict-oldest", "reject", "bypass"] as const) {
      const flights = new Singleflight({ clock, maxAgeMs: 100, maxEntries: 2, onFull });
      const { work, run, runs } = new GatedWork<string>();
      const other = flights.do("other", work);
      const old = flights.do("k", work);
      clock.advance(100);
      const calls = [flights.do("k", work), flights.do("k", work)];
      expect(runs).toHaveLength(3);
      expect([run(0).signal.aborted, run(1).signal.aborted]).toEqual([false, true]);
      for (const { resolve } of runs) resolve("v");
      expect(await Promise.all([other, old, ...calls])).toEqual(["v", "v", "v", "v"]);
      expect(flights.size).toBe(0);
    }
  });
});

describe("maxEntries", () => {
  test("evicts and aborts the oldest flight, which still answers its callers", async () => {
    const flights = new Singleflight({ maxEntries: 2 });
    const { work, run, runs } = new GatedWork<string>();
    const calls = ["a", "b", "c"].map((key) => flights.do(key, work));
    expect(run(0).signal.reason).toBeInstanceOf(FlightEvictedError);
    expect(run(0).signal.reason).toMatchObject({
      code: "ERR_SKEIN_EVICTED",
      message: containing("2 flights"),
    });
    expect([run(1).signal.aborted, run(2).signal.aborted]).toEqual([false, false]);
    expect(flights.size).toBe(3);
    for (const [index, { resolve }] of runs.entries()) resolve(`v${index}`);
    expect(await Promise.all(calls)).toEqual(["v0", "v1", "v2"]);
    expect(flights.size).toBe(0);
  });

  test("evicts by age: a key whose flight was replaced is young again", async () => {
    const flights = new Singleflight({ maxEntries: 2 });
    const { work, run, runs } = new GatedWork<void>();
    const calls = [flights.do("a", work), flights.do("b", work)];
    await flights.forget("a");
    calls.push(flights.do("a", work), flights.do("c", work));
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([false, true, false, false]);
    for (const { resolve } of runs) resolve();
    await Promise.all(calls);
    expect(run(1).flight.key).toBe("b");
  });

  test("does not evict anybody for a caller that joins", async () => {
    const flights = new Singleflight({ maxEntries: 1 });
    const { work, run, runs } = new GatedWork<string>();
    const calls = [flights.do("k", work), flights.do("k", work)];
    expect(runs).toHaveLength(1);
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect(await Promise.all(calls)).toEqual(["v", "v"]);
  });

  test('with onFull "bypass" runs further calls uncoalesced and leaves the others alone', async () => {
    const flights = new Singleflight({ maxEntries: 1, onFull: "bypass" });
    const { work, run, runs } = new GatedWork<string>();
    const calls = [
      flights.do("a", work),
      flights.do("b", work),
      flights.do("b", work),
      flights.do("a", work),
    ];
    expect(runs.map(({ flight }) => flight.key)).toEqual(["a", "b", "b"]);
    expect(flights.size).toBe(3);
    for (const [index, { resolve }] of runs.entries()) resolve(`v${index}`);
    expect(await Promise.all(calls)).toEqual(["v0", "v1", "v2", "v0"]);
    expect(run().signal.aborted).toBe(false);
    expect(flights.size).toBe(0);
  });

  test('with onFull "bypass" aborts the work of a bypassing caller that leaves', async () => {
    const flights = new Singleflight({ maxEntries: 1, onFull: "bypass" });
    const { work, run } = new GatedWork<string>();
    const caller = new AbortController();
    const a = flights.do("a", work);
    const b = flights.do("b", work, { signal: caller.signal });
    caller.abort("left");
    expect(run(1).signal.aborted).toBe(true);
    expect(flights.size).toBe(1);
    run(0).resolve("v");
    expect([await a, await endingOf(b)]).toEqual(["v", { error: "left" }]);
  });

  test('with onFull "reject" refuses new keys, typed, and still lets callers join', async () => {
    const flights = new Singleflight({ maxEntries: 1, onFull: "reject" });
    const { work, run, runs } = new GatedWork<string>();
    const calls = [flights.do("a", work), flights.do("a", work)];
    const refused = flights.do("b", work);
    await expect(refused).rejects.toBeInstanceOf(FlightsFullError);
    await expect(refused).rejects.toMatchObject({
      code: "ERR_SKEIN_FULL",
      message: containing("1 flights"),
    });
    expect(runs).toHaveLength(1);
    run().resolve("v");
    expect(await Promise.all(calls)).toEqual(["v", "v"]);
    expect(await flights.do("b", () => "now")).toBe("now");
  });

  test("keeps the default of 10,000", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<void>();
    const calls = Array.from({ length: 10_001 }, (_, index) => flights.do(`key:${index}`, work));
    expect(runs.filter(({ signal }) => signal.aborted)).toEqual([run(0)]);
    for (const { resolve } of runs) resolve();
    await Promise.all(calls);
  });
});

describe("maxWaiters", () => {
  test("refuses further callers of the flight, typed; room that a leaver makes is used again", async () => {
    const flights = new Singleflight({ maxWaiters: 2 });
    const { work, run, runs } = new GatedWork<string>();
    const caller = new AbortController();
    const calls = [flights.do("k", work), flights.do("k", work, { signal: caller.signal })];
    const refused = flights.fly("k", work);
    await expect(refused).rejects.toBeInstanceOf(TooManyWaitersError);
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_TOO_MANY_WAITERS" });
    await expect(flights.do("k", work)).rejects.toBeInstanceOf(TooManyWaitersError);
    caller.abort("left");
    calls.push(flights.do("k", work));
    expect(runs).toHaveLength(1);
    run().resolve("v");
    expect([await calls[0], await endingOf(calls[1]!), await calls[2]]).toEqual([
      "v",
      { error: "left" },
      "v",
    ]);
  });

  test("may be 1: every concurrent second caller is refused", async () => {
    const flights = new Singleflight({ maxWaiters: 1 });
    const [first, second] = [flights.do("k", () => "v"), flights.do("k", () => "v")];
    await expect(second).rejects.toBeInstanceOf(TooManyWaitersError);
    expect(await first).toBe("v");
  });
});

describe("forget()", () => {
  test("lets the next caller start anew; the callers before it get the old outcome; the work is not aborted", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const before = [flights.do("k", work), flights.do("k", work)];
    expect(await flights.forget("k")).toBe(true);
    const after = flights.do("k", work);
    expect(runs).toHaveLength(2);
    expect(run(0).signal.aborted).toBe(false);
    run(1).resolve("new");
    run(0).resolve("old");
    expect(await Promise.all([...before, after])).toEqual(["old", "old", "new"]);
  });

  test("takes effect before it returns", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const before = flights.do("k", work);
    const forgotten = flights.forget("k");
    const after = flights.do("k", work);
    expect(runs).toHaveLength(2);
    run(0).resolve("old");
    run(1).resolve("new");
    expect(await Promise.all([before, forgotten, after])).toEqual(["old", true, "new"]);
  });

  test("says false when there was nothing to forget, also the second time", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<void>();
    expect(await flights.forget("k")).toBe(false);
    const call = flights.do("k", work);
    expect(await flights.forget("other")).toBe(false);
    expect([await flights.forget("k"), await flights.forget("k")]).toEqual([true, false]);
    run().resolve();
    await call;
  });

  test("leaves a forgotten flight to its callers: the last of them still aborts the work by leaving", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<void>();
    const caller = new AbortController();
    const call = flights.do("k", work, { signal: caller.signal });
    await flights.forget("k");
    expect(flights.size).toBe(1);
    caller.abort("left");
    expect(run().signal.aborted).toBe(true);
    expect(flights.size).toBe(0);
    await endingOf(call);
  });
});
