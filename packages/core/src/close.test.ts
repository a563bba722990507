import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { ClosedError, Singleflight } from "./index.ts";

/** Whether a promise is still pending after everything that can happen in this turn has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await setImmediate();
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

describe("close()", () => {
  test("resolves at once when nothing is under way", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    await flights.close();
    expect(clock.armed).toBe(0);
  });

  test("refuses new calls from the moment it is called, typed, and never runs their work", async () => {
    const flights = new Singleflight();
    const closing = flights.close();
    for (const method of ["do", "fly"] as const) {
      const call = flights[method]("k", () => expect.unreachable());
      await expect(call).rejects.toBeInstanceOf(ClosedError);
      await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    }
    await closing;
    await expect(flights.do("k", () => expect.unreachable())).rejects.toBeInstanceOf(ClosedError);
  });

  test("refuses to let a caller join a flight under way", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const before = flights.do("k", work);
    const closing = flights.close();
    await expect(flights.do("k", work)).rejects.toBeInstanceOf(ClosedError);
    run().resolve("v");
    expect(await before).toBe("v");
    await closing;
  });

  test("waits for flights under way, which answer their callers, and cancels its timer", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const calls = [flights.do("a", work), flights.do("b", work)];
    const closing = flights.close({ drainMs: 1_000 });
    run(0).resolve("a");
    expect(await calls[0]).toBe("a");
    expect(await isPending(closing)).toBe(true);
    run(1).reject(new Error("b"));
    await closing;
    await expect(calls[1]).rejects.toThrow("b");
    expect(clock.armed).toBe(0);
    expect(run(0).signal.aborted).toBe(false);
  });

  test("after drainMs rejects the callers still waiting and aborts their work, with the same reason", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const calls = [
      flights.do("k", work),
      flights.fly("k", work),
      flights.do("k", work, { timeoutMs: 60_000 }),
    ];
    const closing = flights.close({ drainMs: 1_000 });
    clock.advance(999);
    expect(await isPending(closing)).toBe(true);
    clock.advance(1);
    await closing;
    for (const call of calls) await expect(call).rejects.toBeInstanceOf(ClosedError);
    expect(run().signal.reason).toBeInstanceOf(ClosedError);
    expect(flights.size).toBe(0);
    expect(clock.armed).toBe(0);
    run().resolve("too late");
    await setImmediate();
  });

  test("waits 5 seconds by default", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const call = flights.do("k", new GatedWork<string>().work);
    const closing = flights.close();
    clock.advance(4_999);
    expect(await isPending(closing)).toBe(true);
    clock.advance(1);
    await closing;
    await expect(call).rejects.toBeInstanceOf(ClosedError);
  });

  test("is over when all callers know, those who share a promise, too", async () => {
    const flights = new Singleflight();
    let told = 0;
    const tell = (): void => void told++;
    flights.do("k", () => new Promise(() => undefined)).catch(tell);
    flights.do("k", () => new Promise(() => undefined)).catch(tell);
    flights.do("k", () => new Promise(() => undefined), { timeoutMs: 60_000 }).catch(tell);
    await flights.close({ drainMs: 0 });
    expect(told).toBe(3);
  });

  test("with drainMs 0 does not wait", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    await flights.close({ drainMs: 0 });
    expect(run().signal.reason).toBeInstanceOf(ClosedError);
    await expect(call).rejects.toBeInstanceOf(ClosedError);
  });

  test("goes on draining when the flight under way is forgotten meanwhile", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    const closing = flights.close({ drainMs: 1_000 });
    expect(await flights.forget("k")).toBe(true);
    expect(await isPending(closing)).toBe(true);
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect(await call).toBe("v");
    await closing;
  });

  test("waits for a flight that was forgotten before", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    await flights.forget("k");
    const closing = flights.close({ drainMs: 60_000 });
    expect(await isPending(closing)).toBe(true);
    run().resolve("v");
    expect(await call).toBe("v");
    await closing;
  });

  test("ends when the last caller leaves", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const caller = new AbortController();
    const call = flights.do("k", new GatedWork<string>().work, { signal: caller.signal });
    const closing = flights.close();
    caller.abort("left");
    await closing;
    expect(await endingOf(call)).toEqual({ error: "left" });
    expect(clock.armed).toBe(0);
  });

  test("waits for, and lets go of, evicted, aged, forgotten and bypassing flights alike", async () => {
    for (const drains of [true, false]) {
      const clock = new ManualClock();
      const evicting = new Singleflight({ clock, maxEntries: 1, maxAgeMs: 100 });
      const bypassing = new Singleflight({ clock, maxEntries: 1, onFull: "bypass" });
      const { work, runs } = new GatedWork<string>();
      const calls = [evicting.do("evicted", work), evicting.do("aged", work)];
      clock.advance(100);
      calls.push(evicting.do("aged", work));
      await evicting.forget("aged");
      calls.push(evicting.do("aged", work), bypassing.do("a", work), bypassing.do("b", work));
      expect([evicting.size, bypassing.size]).toEqual([4, 2]);
      const closing = Promise.all([evicting, bypassing].map((flights) => flights.close({ drainMs: 1_000 })));
      expect(await isPending(closing)).toBe(true);
      if (drains) for (const { resolve } of runs) resolve("v");
      else clock.advance(1_000);
      await closing;
      for (const call of calls) {
        if (drains) expect(await call).toBe("v");
        else await expect(call).rejects.toBeInstanceOf(ClosedError);
      }
      expect(runs.every(({ signal }) => signal.aborted)).toBe(!drains);
      expect([evicting.size, bypassing.size, clock.armed]).toEqual([0, 0, 0]);
    }
  });

  test("twice or more, at once or later, is the same as once", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ clock });
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    const closings = [flights.close({ drainMs: 1_000 }), flights.close({ drainMs: 0 }), flights.close()];
    for (const closing of closings) expect(await isPending(closing)).toBe(true);
    run().resolve("v");
    await Promise.all(closings);
    expect(await call).toBe("v");
    await flights.close();
    await flights[Symbol.asyncDispose]();
  });

  test("refuses a drainMs out of range, and then closes nothing", async () => {
    const flights = new Singleflight();
    for (const drainMs of [-1, 1.5, Number.NaN, 2 ** 31]) {
      await expect(flights.close({ drainMs })).rejects.toMatchObject({
        code: "ERR_SKEIN_INVALID_ARGUMENT",
        argument: "drainMs",
      });
    }
    expect(await flights.do("k", () => "open")).toBe("open");
  });

  test("refuses the calls that work under way makes, so that a drain has an end", async () => {
    const flights = new Singleflight();
    const go = Promise.withResolvers<void>();
    const call = flights.do("a", async () => {
      await go.promise;
      return flights.do("b", () => expect.unreachable());
    });
    const closing = flights.close();
    go.resolve();
    await expect(call).rejects.toBeInstanceOf(ClosedError);
    await closing;
  });

  test("refuses the calls of abort listeners and observers that it wakes", async () => {
    const attempts: Promise<unknown>[] = [];
    const flights: Singleflight = new Singleflight({
      observer: {
        onEvent: ({ type }) => void (type === "call-ended" && attempts.push(flights.do("k", () => "no"))),
      },
    });
    const call = flights.do("k", (signal) => {
      signal.addEventListener(
        "abort",
        () =>
          void attempts.push(
            flights.do("k", () => "no"),
            flights.close({ drainMs: 0 }),
          ),
      );
      return new Promise(() => {});
    });
    await flights.close({ drainMs: 0 });
    await expect(call).rejects.toBeInstanceOf(ClosedError);
    expect(attempts).toHaveLength(3);
    await expect(attempts[0]).rejects.toBeInstanceOf(ClosedError);
    await expect(attempts[1]).rejects.toBeInstanceOf(ClosedError);
    await attempts[2];
    expect(flights.size).toBe(0);
  });

  test("called by the work as it starts still lets that work finish", async () => {
    const flights = new Singleflight();
    const closings: Promise<void>[] = [];
    const call = flights.do("k", async () => {
      closings.push(flights.close({ drainMs: 1_000 }));
      await Promise.resolve();
      return "v";
    });
    expect(await call).toBe("v");
    await Promise.all(closings);
  });

  test("raises no unhandled rejection for work that fails after it was evacuated", async () => {
    const flights = new Singleflight();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    await Promise.all([flights.close({ drainMs: 0 }), endingOf(call)]);
    run().reject(new Error("nobody is there to hear this"));
    await setImmediate();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});

test("`await using` closes", async () => {
  let leaked: Singleflight;
  {
    await using flights = new Singleflight();
    leaked = flights;
    expect(await flights.do("k", () => "v")).toBe("v");
  }
  await expect(leaked.do("k", () => "v")).rejects.toBeInstanceOf(ClosedError);
});
