import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { FlightTimeoutError, FlightUnwantedError, Singleflight } from "./index.ts";

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

describe("a caller whose signal is aborted", () => {
  test("is rejected with the signal's reason; the others are not affected", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const caller = new AbortController();
    const calls = [
      flights.do("k", work),
      flights.do("k", work, { signal: caller.signal }),
      flights.fly("k", work),
    ];
    const reason = new Error("browser tab closed");
    caller.abort(reason);
    expect(await endingOf(calls[1]!)).toEqual({ error: reason });
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect(await calls[0]).toBe("v");
    expect(await calls[2]).toMatchObject({ value: "v" });
  });

  test("before the call is rejected before anything starts", async () => {
    const flights = new Singleflight();
    for (const method of ["do", "fly"] as const) {
      const call = flights[method]("k", () => expect.unreachable(), {
        signal: AbortSignal.abort("too late"),
      });
      expect(await endingOf(call)).toEqual({ error: "too late" });
    }
    expect(flights.size).toBe(0);
  });

  test("before the call does not touch the flight under way either", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const staying = flights.do("k", work);
    expect(await endingOf(flights.do("k", work, { signal: AbortSignal.abort("too late") }))).toEqual({
      error: "too late",
    });
    run().resolve("v");
    expect(await staying).toBe("v");
  });

  test("by the work itself, synchronously, leaves and takes the last interest with it", async () => {
    const flights = new Singleflight();
    const caller = new AbortController();
    let signalOfWork: AbortSignal | undefined;
    const call = flights.do(
      "k",
      (signal) => {
        signalOfWork = signal;
        caller.abort(new Error("the work knows better"));
        return "v";
      },
      { signal: caller.signal },
    );
    await expect(call).rejects.toThrow("the work knows better");
    expect(signalOfWork?.reason).toBeInstanceOf(FlightUnwantedError);
    expect(flights.size).toBe(0);
    expect(await flights.do("k", () => "next")).toBe("next");
  });

  test("in the turn in which the flight lands gets whatever came first", async () => {
    const flights = new Singleflight();
    for (const abortFirst of [true, false]) {
      const { work, run } = new GatedWork<string>();
      const caller = new AbortController();
      const call = flights.do("k", work, { signal: caller.signal });
      if (abortFirst) caller.abort("left");
      run().resolve("v");
      // One microtask later the flight has landed, but nobody has seen the value yet.
      await Promise.resolve();
      if (!abortFirst) caller.abort("left");
      expect(await endingOf(call)).toEqual(abortFirst ? { error: "left" } : { value: "v" });
    }
    expect(flights.size).toBe(0);
  });

  test("together with others of the same signal: all leave, each once", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const caller = new AbortController();
    const calls = Array.from({ length: 50 }, () => flights.do("k", work, { signal: caller.signal }));
    caller.abort("shutdown");
    for (const call of calls) expect(await endingOf(call)).toEqual({ error: "shutdown" });
    expect(run().signal.reason).toBeInstanceOf(FlightUnwantedError);
  });
});

describe("a caller whose time is up", () => {
  test("is rejected with a typed error; the flight goes on for the others", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const patient = flights.do("k", work);
    const hasty = flights.do("k", work, { timeoutMs: 50 });
    clock.advance(49);
    clock.advance(1);
    await expect(hasty).rejects.toMatchObject({
      code: "ERR_SKEIN_TIMEOUT",
      timeoutMs: 50,
      message: "no outcome within 50 ms",
    });
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect(await patient).toBe("v");
  });

  test("is counted from its own call, not from the start of the flight", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const first = flights.do("k", work, { timeoutMs: 100 });
    clock.advance(60);
    const second = flights.do("k", work, { timeoutMs: 100 });
    clock.advance(60);
    await expect(first).rejects.toBeInstanceOf(FlightTimeoutError);
    run().resolve("v");
    expect(await second).toBe("v");
    expect(clock.armed).toBe(0);
  });

  test("has the coalescer's timeoutMs, unless it brings its own", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, timeoutMs: 100 });
    const { work } = new GatedWork<string>();
    const calls = [flights.do("k", work), flights.fly("k", work), flights.do("k", work, { timeoutMs: 200 })];
    clock.advance(100);
    await expect(calls[0]).rejects.toMatchObject({ timeoutMs: 100 });
    await expect(calls[1]).rejects.toMatchObject({ timeoutMs: 100 });
    clock.advance(100);
    await expect(calls[2]).rejects.toMatchObject({ timeoutMs: 200 });
    expect(flights.size).toBe(0);
  });

  test("on the real clock leaves too", async () => {
    const flights = new Singleflight();
    const call = flights.do("k", () => new Promise(() => {}), { timeoutMs: 5 });
    await expect(call).rejects.toBeInstanceOf(FlightTimeoutError);
  });
});

describe("the last caller that leaves", () => {
  test("aborts the work, with a typed reason, whichever way the callers left", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const caller = new AbortController();
    const calls = [
      flights.do("k", work, { signal: caller.signal }),
      flights.fly("k", work, { timeoutMs: 10 }),
    ];
    caller.abort("left");
    expect(run().signal.aborted).toBe(false);
    clock.advance(10);
    expect(run().signal.reason).toMatchObject({ name: "FlightUnwantedError", code: "ERR_SKEIN_UNWANTED" });
    expect(flights.size).toBe(0);
    await Promise.allSettled(calls);
  });

  test("leaves no flight behind that a newcomer could join", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const caller = new AbortController();
    const left = flights.do("k", work, { signal: caller.signal });
    caller.abort("left");
    const newcomer = flights.do("k", work);
    expect(runs).toHaveLength(2);
    run(0).resolve("stale");
    run(1).resolve("fresh");
    expect(await newcomer).toBe("fresh");
    expect(await endingOf(left)).toEqual({ error: "left" });
  });

  test("raises no unhandled rejection when the work then fails", async () => {
    const flights = new Singleflight();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      for (const how of ["signal", "timeout"] as const) {
        const { work, run } = new GatedWork<string>();
        const caller = new AbortController();
        const call = flights.do("k", work, how === "signal" ? { signal: caller.signal } : { timeoutMs: 1 });
        if (how === "signal") caller.abort("left");
        await endingOf(call);
        run().reject(new Error("nobody is there to hear this"));
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(unhandled).toEqual([]);
  });

  test("is never one that brought neither signal nor timeout", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const caller = new AbortController();
    const stays = flights.do("k", work);
    const leaves = flights.do("k", work, { signal: caller.signal });
    caller.abort("left");
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect(await stays).toBe("v");
    expect(await endingOf(leaves)).toEqual({ error: "left" });
  });
});

describe("a caller's signal and timer are let go", () => {
  const ends = {
    "when the flight lands": ({ run }: GatedWork<string>) => run().resolve("v"),
    "when the flight fails": ({ run }: GatedWork<string>) => run().reject(new Error("no")),
    "when the caller leaves": (_: unknown, caller: AbortController) => caller.abort("left"),
    "when its time is up": (_: unknown, __: unknown, clock: ManualClock) => clock.advance(1_000),
    "when the coalescer closes": (_: unknown, __: unknown, ___: unknown, flights: Singleflight) =>
      void flights.close({ drainMs: 0 }),
  };

  test.for(Object.keys(ends) as (keyof typeof ends)[])("%s", async (name) => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const gate = new GatedWork<string>();
    const caller = new AbortController();
    const call = flights.do("k", gate.work, { signal: caller.signal, timeoutMs: 1_000 });
    expect([listeners(caller.signal), clock.armed]).toEqual([1, 1]);
    ends[name](gate, caller, clock, flights);
    await endingOf(call);
    expect([listeners(caller.signal), clock.armed]).toEqual([0, 0]);
  });

  test("when the work throws at once, or the call is refused", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, maxWaiters: 1 });
    const { signal } = new AbortController();
    const { work } = new GatedWork<string>();
    const throws = flights.do(
      "throws",
      () => {
        throw new Error("at once");
      },
      { signal, timeoutMs: 10 },
    );
    await endingOf(throws);
    const holds = flights.do("full", work, { timeoutMs: 10 });
    await endingOf(flights.do("full", work, { signal, timeoutMs: 10 }));
    expect([listeners(signal), clock.armed]).toEqual([0, 1]);
    clock.advance(10);
    await endingOf(holds);
    expect(clock.armed).toBe(0);
  });

  test("so that 10,000 calls with one long-lived signal leave nothing on it", async () => {
    const flights = new Singleflight({ maxEntries: 100 });
    const { signal } = new AbortController();
    for (let index = 0; index < 10_000; index++) {
      await flights.do(`key:${index % 7}`, () => index, { signal, timeoutMs: 60_000 });
    }
    expect(listeners(signal)).toBe(0);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThan(100);
  });
});
