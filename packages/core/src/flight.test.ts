/* oxlint-disable unicorn/no-thenable -- hostile thenables are what this file is about */
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import {
  Emitter,
  type Flight,
  FlightTable,
  flightLimits,
  localPilot,
  type Pilot,
  type Waiter,
} from "./internal.ts";
import { ClosedError, Singleflight } from "./index.ts";

/** A call of work that returns anything at all. */
function call(flights: Singleflight, key: string, work: () => unknown): Promise<unknown> {
  return flights.do(key, work);
}

describe("work that returns a foreign thenable", () => {
  test("lands with its value or its error", async () => {
    const flights = new Singleflight();
    expect(
      await call(flights, "k", () => ({ then: (resolve: (value: string) => void) => resolve("v") })),
    ).toBe("v");
    const fails = call(flights, "k", () => ({
      then: (_: unknown, reject: (error: unknown) => void) => reject(new Error("no")),
    }));
    await expect(fails).rejects.toThrow("no");
    expect(flights.size).toBe(0);
  });

  test("is asked once, whatever it does afterwards", async () => {
    const flights = new Singleflight();
    let asked = 0;
    const thenable = {
      then(resolve: (value: string) => void, reject: (error: unknown) => void): void {
        asked++;
        resolve("first");
        resolve("second");
        reject(new Error("third"));
        throw new Error("fourth");
      },
    };
    const calls = [call(flights, "k", () => thenable), call(flights, "k", () => thenable)];
    expect(await Promise.all(calls)).toEqual(["first", "first"]);
    expect(asked).toBe(1);
  });

  test.for([
    ["whose `then` getter throws", () => Object.defineProperty({}, "then", { get: throwHostile })],
    ["whose `then` throws", () => ({ then: throwHostile })],
    [
      "that is a promise with a `then` of its own that throws",
      () => Object.assign(Promise.resolve("v"), { then: throwHostile }),
    ],
    [
      "that is a promise whose `then` getter throws",
      () => Object.defineProperty(Promise.resolve("v"), "then", { get: throwHostile }),
    ],
    [
      "that is a promise whose constructor getter throws",
      () => Object.defineProperty(Promise.resolve("v"), "constructor", { get: throwHostile }),
    ],
    ["that is a proxy that refuses everything", () => new Proxy({}, { get: throwHostile })],
  ] as const)("%s, rejects its callers and leaves nothing behind", async ([, result]) => {
    const flights = new Singleflight();
    const calls = [call(flights, "k", result), call(flights, "k", result)];
    for (const each of calls) await expect(each).rejects.toThrow("hostile");
    expect(flights.size).toBe(0);
    expect(await call(flights, "k", () => "next")).toBe("next");
  });

  test("that is a promise with a `then` of its own is asked once, and not before its callers have come", async () => {
    const flights = new Singleflight({ observer: { onEvent: () => {} } });
    let asked = 0;
    const lazy = (): Promise<string> =>
      Object.assign(Promise.resolve("never asked"), {
        then: (resolve: (value: string) => void) => resolve(`lazy ${++asked}`),
      });
    const calls = [call(flights, "k", lazy), call(flights, "k", lazy)];
    expect(asked).toBe(0);
    expect(await Promise.all(calls)).toEqual(["lazy 1", "lazy 1"]);
    expect(asked).toBe(1);
  });

  test("that is a subclass of Promise lands like a promise", async () => {
    class Query extends Promise<string> {}
    const flights = new Singleflight();
    expect(await flights.do("k", () => Query.resolve("v"))).toBe("v");
  });
});

describe("foreign code that calls back while a flight changes", () => {
  test("an abort listener that asks for the replaced key joins the successor: one execution, none lost", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock, maxAgeMs: 100 });
    const { work, run, runs } = new GatedWork<string>();
    const fromListener: Promise<string>[] = [];
    const old = flights.do("k", (signal, flight) => {
      signal.addEventListener("abort", () => void fromListener.push(flights.do("k", work)));
      return work(signal, flight);
    });
    clock.advance(100);
    const young = flights.do("k", work);
    expect(runs).toHaveLength(2);
    expect(flights.size).toBe(2);
    run(1).resolve("young");
    expect(await young).toBe("young");
    run(0).resolve("old");
    expect([await old, await fromListener[0]]).toEqual(["old", "young"]);
    expect(flights.size).toBe(0);
  });

  test("an abort listener that opens flights in a full table evicts others, never more than there is room for", async () => {
    const flights = new Singleflight({ maxEntries: 2 });
    const { work, runs } = new GatedWork<string>();
    const more: Promise<string>[] = [];
    const calls = ["a", "b"].map((key) =>
      flights.do(key, (signal, flight) => {
        signal.addEventListener("abort", () => void more.push(flights.do(`after ${key}`, work)));
        return work(signal, flight);
      }),
    );
    calls.push(flights.do("c", work));
    expect(more).toHaveLength(2);
    expect(runs.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(2);
    for (const { resolve } of runs) resolve("v");
    expect(await Promise.all([...calls, ...more])).toEqual(["v", "v", "v", "v", "v"]);
    expect(flights.size).toBe(0);
  });

  test("an abort listener that aborts the signal of the very caller who comes: its work is not started", async () => {
    const flights = new Singleflight({ maxEntries: 1 });
    const newcomer = new AbortController();
    const { work, run } = new GatedWork<string>();
    const old = flights.do("old", (signal, flight) => {
      signal.addEventListener("abort", () => newcomer.abort("sorry"));
      return work(signal, flight);
    });
    const late = new GatedWork<string>();
    const call_ = flights.do("k", late.work, { signal: newcomer.signal });
    expect(await endingOf(call_)).toEqual({ error: "sorry" });
    expect(late.runs).toEqual([]);
    run().resolve("v");
    expect(await old).toBe("v");
    expect(flights.size).toBe(0);
  });

  test("an abort listener that closes: the newcomer is let go like everybody", async () => {
    const flights = new Singleflight({ maxEntries: 1 });
    const closings: Promise<void>[] = [];
    const never = new Promise<string>(() => {});
    const old = flights.do("old", (signal) => {
      signal.addEventListener("abort", () => void closings.push(flights.close({ drainMs: 0 })));
      return never;
    });
    const young = flights.do("young", () => never);
    await expect(old).rejects.toBeInstanceOf(ClosedError);
    await expect(young).rejects.toBeInstanceOf(ClosedError);
    await Promise.all(closings);
    expect(flights.size).toBe(0);
  });

  test("work that forgets its own key, calls other keys and closes, all before it returns", async () => {
    const flights = new Singleflight();
    const inner: Promise<unknown>[] = [];
    const call_ = flights.do("k", async () => {
      inner.push(
        flights.forget("k"),
        flights.do("k", () => "second"),
        flights.do("other", () => "other"),
      );
      inner.push(flights.close());
      inner.push(flights.do("k", () => "refused").catch((error: unknown) => error));
      return "first";
    });
    expect(await call_).toBe("first");
    expect(await Promise.all(inner)).toEqual([true, "second", "other", undefined, expect.any(ClosedError)]);
  });

  test("a value with a `then` getter that aborts another caller: that caller is answered all the same", async () => {
    const flights = new Singleflight<object>();
    const { work, run } = new GatedWork<object>();
    const other = new AbortController();
    const calls = [
      flights.do("k", work, { timeoutMs: 60_000 }),
      flights.do("k", work, { signal: other.signal }),
    ];
    const value = {};
    let reads = 0;
    run().resolve(value);
    Object.defineProperty(value, "then", { get: () => void (++reads && other.abort("meanwhile")) });
    const endings = await Promise.all(calls.map(endingOf));
    expect(endings).toEqual([{ value }, { value }]);
    expect(reads).toBeGreaterThan(0);
  });

  test("work that fills the stack by asking for key after key leaves no flight that callers would join for ever", async () => {
    const child = fileURLToPath(new URL("../test/full-stack-child.ts", import.meta.url));
    const options = { timeout: 120_000, maxBuffer: Infinity };
    const { stdout } = await promisify(execFile)(process.execPath, ["--stack-size=300", child], options);
    expect(JSON.parse(stdout)).toEqual({ recursions: 240, overflows: 240, stuck: 0 });
  }, 300_000);
});

describe("a flight that another pilot flies", () => {
  const noted: string[] = [];
  const pilot: Pilot = {
    sharesPromise: false,
    launch: ({ key }) => void noted.push(`launch ${key}`),
    onUnwanted: ({ key }) => void noted.push(`unwanted ${key}`),
    onReplaced: ({ key }, reason) => void noted.push(`replaced ${key}: ${reason.name}`),
  };
  const newTable = (options = {}): FlightTable => {
    noted.length = 0;
    return new FlightTable(flightLimits(options), new Emitter(undefined));
  };
  const work = (): string => "v";

  test("is launched before it is replaced or unwanted, and is told both", async () => {
    const table = newTable({ maxEntries: 1 });
    const caller = new AbortController();
    const calls = [
      table.call("a", work, undefined, false, pilot),
      table.call("b", work, { signal: caller.signal }, false, pilot),
    ];
    caller.abort("left");
    expect(noted).toEqual(["launch a", "replaced a: FlightEvictedError", "launch b", "unwanted b"]);
    expect(await endingOf(calls[1]!)).toEqual({ error: "left" });
  });

  test("hands later callers on to the next flight, with their own work, story and ways out", async () => {
    const clock = new ManualClock();
    const table = newTable({ clock });
    let first: Flight | undefined;
    const holds: Pilot = { ...pilot, launch: (flight) => void (first = flight) };
    const early = table.call("k", work, undefined, false, holds);
    const moment = clock.now();
    clock.advance(5);
    const caller = new AbortController();
    const later = [
      table.call("k", () => "own work", undefined, true, holds),
      table.call("k", work, { signal: caller.signal }, false, holds),
      table.call("k", work, { timeoutMs: 10 }, false, holds),
    ];
    const moved = first!.takeLaterThan(moment);
    expect(moved).toHaveLength(3);
    first!.land("outcome", { role: "follower", flightId: "1-a-b", takeovers: 0 });
    expect(await early).toBe("outcome");
    let next: Flight | undefined;
    table.rehome("k", moved, { ...pilot, launch: (flight) => void (next = flight) });
    caller.abort("left");
    clock.advance(10);
    expect(await next!.execute(next!.work, { key: "k", flightId: "2-a-b", takeovers: 1 })).toBe("own work");
    next!.land("own work", { role: "leader", flightId: "2-a-b", takeovers: 1 });
    expect(await later[0]).toEqual({
      value: "own work",
      role: "leader",
      shared: false,
      flightId: "2-a-b",
      takeovers: 1,
      waitedMs: 10,
    });
    expect(await endingOf(later[1]!)).toEqual({ error: "left" });
    await expect(later[2]).rejects.toMatchObject({ code: "ERR_SKEIN_TIMEOUT" });
    expect([table.size, clock.armed]).toEqual([0, 0]);
  });

  test("runs the work of a caller handed on in that caller's asynchronous context, whoever hands it on", async () => {
    const request = new AsyncLocalStorage<string>();
    const table = newTable();
    const seen: (string | undefined)[] = [];
    const note = (): string | undefined => {
      seen.push(request.getStore());
      return request.getStore();
    };
    let flight: Flight | undefined;
    const holds: Pilot = { ...pilot, launch: (own) => void (flight = own) };
    void request.run("early", () => table.call("k", work, undefined, false, holds));
    const late = request.run("late", () => table.call("k", note, undefined, false, holds));
    const [, moved] = flight!.takeLaterThan(-Infinity);
    flight!.land("v", flight!.localStory());
    request.run("somebody else", () => table.rehome("k", [moved!], localPilot));
    expect([await late, seen]).toEqual(["late", ["late"]]);
  });

  test("hands them on to a flight of that key already under way", async () => {
    const table = newTable();
    const gate = new GatedWork<string>();
    const waiters = [takeWaiter(table, "old")];
    const present = table.call("k", gate.work, undefined, false, localPilot);
    table.rehome("k", waiters, localPilot);
    expect(gate.runs).toHaveLength(1);
    gate.run().resolve("v");
    expect([await present, await waiters[0]!.promise]).toEqual(["v", "v"]);
  });

  test("does not start work for callers who left on the way", () => {
    const table = newTable();
    const waiters = [takeWaiter(table, "old")];
    waiters[0]!.resolve("answered elsewhere");
    table.rehome("k", waiters, pilot);
    table.rehome("k", [], pilot);
    expect(table.size).toBe(0);
    expect(noted).not.toContain("launch k");
  });

  test("may hand callers on while the coalescer drains; once it is closed, they are rejected", async () => {
    const table = newTable();
    const [draining, late] = [takeWaiter(table, "one"), takeWaiter(table, "two")];
    const gate = new GatedWork<string>();
    const holds = table.call("holds", gate.work, undefined, false, localPilot);
    const closing = table.close({ drainMs: 60_000 }, () => expect.unreachable());
    table.rehome("k", [draining], localPilot);
    gate.run().resolve("v");
    expect([await holds, await draining.promise, await closing]).toEqual(["v", "v", undefined]);
    table.rehome("k", [late], localPilot);
    await expect(late.promise).rejects.toBeInstanceOf(ClosedError);
    expect(table.size).toBe(0);
  });

  /** A waiter of a flight that is over for everybody else. */
  function takeWaiter(table: FlightTable, key: string): Waiter {
    let flight: Flight | undefined;
    const promise = table.call(key, work, undefined, false, {
      ...pilot,
      launch: (own) => void (flight = own),
    });
    const [waiter] = flight!.takeLaterThan(-Infinity);
    expect(waiter!.promise).toBe(promise);
    flight!.land("v", flight!.localStory());
    return waiter!;
  }
});

function throwHostile(): never {
  throw new Error("hostile");
}
