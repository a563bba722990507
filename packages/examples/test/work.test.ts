/** The examples about what belongs inside the work and what around the call. */
import { Singleflight } from "@skein/core";
import { describe, expect, it } from "vitest";
import { loadWithRetries, retryOutside } from "../src/work/retries.ts";
import { loadWithin } from "../src/work/timeouts.ts";

const PLAN = { retries: 3, firstPauseMs: 1 };

/** Fails so often, then succeeds. */
function flaky(failures: number): { load: () => Promise<string>; attempts: () => number } {
  let attempts = 0;
  return {
    load: async () => {
      attempts++;
      if (attempts <= failures) throw new Error("not yet");
      return "loaded";
    },
    attempts: () => attempts,
  };
}

describe("retries", () => {
  it("inside the work are made once for all callers", async () => {
    const flights = new Singleflight();
    const { load, attempts } = flaky(2);
    const calls = Array.from({ length: 50 }, () => loadWithRetries(flights, "report", load, PLAN));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["loaded"]));
    expect(attempts()).toBe(3);
  });

  it("end when the last caller has left", async () => {
    const flights = new Singleflight();
    const { load, attempts } = flaky(Infinity);
    const caller = new AbortController();
    const call = flights.do(
      "report",
      () => loadWithRetries(flights, "inner", load, { retries: 10_000, firstPauseMs: 1 }),
      {
        signal: caller.signal,
      },
    );
    caller.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    expect(attempts()).toBeLessThan(10);
  });

  it("outside are made by every caller for itself", async () => {
    const flights = new Singleflight();
    let failing = true;
    let executions = 0;
    const load = async (): Promise<string> => {
      executions++;
      await Promise.resolve();
      if (failing) throw new Error("down");
      return "loaded";
    };
    const calls = Array.from({ length: 50 }, () =>
      retryOutside(flights, "report", load, { retries: 2, firstPauseMs: 20 }),
    );
    await Promise.allSettled(calls);
    failing = false;
    // Inside, three attempts would have been made.
    expect(executions).toBeGreaterThan(3);
  });
});

describe("timeouts", () => {
  const never = (signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const patience = () => ({ request: new AbortController(), shutdown: new AbortController() });

  it("of a caller ends its wait", async () => {
    const { request, shutdown } = patience();
    const limits = { request: request.signal, shutdown: shutdown.signal, timeoutMs: 20 };
    const call = loadWithin(new Singleflight(), "report", never, 60_000, limits);
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_TIMEOUT" });
  });

  it("of the work ends it for everybody", async () => {
    const { request, shutdown } = patience();
    const limits = { request: request.signal, shutdown: shutdown.signal, timeoutMs: 60_000 };
    const flights = new Singleflight();
    const calls = [1, 2].map(() => loadWithin(flights, "report", never, 20, limits));
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_TIMEOUT" });
  });

  it("and whichever signal is first ends the wait with its own reason", async () => {
    for (const which of ["request", "shutdown"] as const) {
      const controllers = patience();
      const limits = {
        request: controllers.request.signal,
        shutdown: controllers.shutdown.signal,
        timeoutMs: 60_000,
      };
      const call = loadWithin(new Singleflight(), "report", never, 60_000, limits);
      call.catch(() => undefined);
      controllers[which].abort(new Error(which));
      await expect(call).rejects.toThrow(which);
    }
  });
});
