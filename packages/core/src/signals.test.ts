import { getEventListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { endingOf } from "../test/gated-work.ts";
import { FlightTimeoutError, Singleflight, withTimeout } from "./index.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
process.on("unhandledRejection", note);

afterEach(async () => {
  await setImmediate();
  expect(unhandled).toEqual([]);
  vi.useRealTimers();
});

/** Work that never ends, and remembers the signal that it got. */
function endless(): { work: (signal: AbortSignal) => Promise<never>; signal: () => AbortSignal } {
  const signals: AbortSignal[] = [];
  return {
    work: (signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
    signal: () => signals[0]!,
  };
}

describe("withTimeout", () => {
  test("returns what the work returns, synchronously or not, and clears its timer", async () => {
    vi.useFakeTimers();
    expect(await withTimeout(1_000, () => "sync")).toBe("sync");
    expect(await withTimeout(1_000, async () => "async")).toBe("async");
    expect(await withTimeout(1_000, () => undefined)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rejects with what the work throws, synchronously or not, and clears its timer", async () => {
    vi.useFakeTimers();
    const error = new Error("no");
    const throws = (): never => {
      throw error;
    };
    expect(await endingOf(withTimeout(1_000, throws))).toEqual({ error });
    expect(await endingOf(withTimeout(1_000, () => Promise.reject(error)))).toEqual({ error });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("calls the work before it returns, with a signal that is not aborted", () => {
    const work = vi.fn<(signal: AbortSignal) => void>();
    const call = withTimeout(1_000, work);
    expect(work).toHaveBeenCalledOnce();
    expect(work.mock.calls[0]?.[0]).toBeInstanceOf(AbortSignal);
    expect(work.mock.calls[0]?.[0].aborted).toBe(false);
    return call;
  });

  test("rejects after the time, typed, although the work ignores it; the signal says why", async () => {
    vi.useFakeTimers();
    const { work, signal } = endless();
    const call = endingOf(withTimeout(1_000, work));
    await vi.advanceTimersByTimeAsync(999);
    expect(signal().aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const error = signal().reason as unknown;
    expect(error).toBeInstanceOf(FlightTimeoutError);
    expect(error).toMatchObject({ code: "ERR_SKEIN_TIMEOUT", timeoutMs: 1_000 });
    expect(await call).toEqual({ error });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("drops what the work does after the time", async () => {
    for (const settle of ["resolve", "reject"] as const) {
      const late = Promise.withResolvers<string>();
      await expect(withTimeout(1, () => late.promise)).rejects.toBeInstanceOf(FlightTimeoutError);
      late[settle](new Error("late") as never);
    }
  });

  test("rejects with the outer signal's reason when that is aborted, and passes it to the work", async () => {
    vi.useFakeTimers();
    const outer = new AbortController();
    const { work, signal } = endless();
    const call = endingOf(withTimeout(1_000, work, { signal: outer.signal }));
    outer.abort("shutdown");
    expect(await call).toEqual({ error: "shutdown" });
    expect(signal().reason).toBe("shutdown");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not start the work when the outer signal is aborted already", async () => {
    const work = vi.fn<() => void>();
    expect(await endingOf(withTimeout(1_000, work, { signal: AbortSignal.abort("too late") }))).toEqual({
      error: "too late",
    });
    expect(work).not.toHaveBeenCalled();
  });

  test("does not abort the outer signal, and leaves no listener on it", async () => {
    const outer = new AbortController();
    await withTimeout(1_000, () => "v", { signal: outer.signal });
    await expect(withTimeout(1, endless().work, { signal: outer.signal })).rejects.toBeInstanceOf(
      FlightTimeoutError,
    );
    expect(outer.signal.aborted).toBe(false);
    expect(getEventListeners(outer.signal, "abort")).toHaveLength(0);
  });

  test("takes the first that happens when the work itself aborts the outer signal and then throws", async () => {
    const outer = new AbortController();
    const throws = (): never => {
      outer.abort("by the work");
      throw new Error("and then");
    };
    expect(await endingOf(withTimeout(1_000, throws, { signal: outer.signal }))).toEqual({
      error: "by the work",
    });
  });

  test("inside a flight: the flight's abort reaches the work, the flight's callers get the timeout", async () => {
    const flights = new Singleflight();
    const caller = new AbortController();
    const { work, signal } = endless();
    const left = flights.do("left", (flight) => withTimeout(60_000, work, { signal: flight }), {
      signal: caller.signal,
    });
    caller.abort("left");
    expect(await endingOf(left)).toEqual({ error: "left" });
    expect(signal().reason).toMatchObject({ code: "ERR_SKEIN_UNWANTED" });
    const late = flights.do("late", (flight) => withTimeout(1, endless().work, { signal: flight }));
    await expect(late).rejects.toBeInstanceOf(FlightTimeoutError);
  });

  test.for([
    ["ms", [0, () => {}]],
    ["ms", [-1, () => {}]],
    ["ms", [1.5, () => {}]],
    ["ms", [2 ** 31, () => {}]],
    ["ms", [Number.NaN, () => {}]],
    ["ms", ["5", () => {}]],
    ["work", [5, "work"]],
    ["signal", [5, () => {}, { signal: {} }]],
  ] as const)("refuses a bad %s (%j) as a rejection", async ([argument, args]) => {
    const call: unknown = Reflect.apply(withTimeout, undefined, args);
    expect(call).toBeInstanceOf(Promise);
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT", argument });
  });

  test("is typed by its work", () => {
    expectTypeOf(withTimeout(1, () => 5)).resolves.toEqualTypeOf<number>();
    expectTypeOf(withTimeout(1, async (signal) => signal.aborted)).resolves.toEqualTypeOf<boolean>();
  });
});
