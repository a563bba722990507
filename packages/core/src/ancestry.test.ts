import { describe, expect, test } from "vitest";
import { GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { ancestorOf, currentAncestor, runInside, type Ancestor } from "./ancestry.ts";
import { ReentrantCallError, Singleflight } from "./index.ts";

describe("work that asks for its own key is rejected, typed, instead of waiting for itself", () => {
  test("at once, before its first await", async () => {
    const flights = new Singleflight();
    const call = flights.do("k", () => flights.do("k", () => expect.unreachable()));
    await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_REENTRANT" });
    expect(flights.size).toBe(0);
  });

  test("after awaits, timers and microtasks", async () => {
    const flights = new Singleflight();
    const call = flights.do("k", async () => {
      await Promise.resolve();
      await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
      return flights.fly("k", () => expect.unreachable());
    });
    await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
  });

  test("through the work of other keys", async () => {
    const flights = new Singleflight();
    const call = flights.do("a", () =>
      flights.do("b", async () => {
        await Promise.resolve();
        return flights.do("c", () => flights.do("a", () => expect.unreachable()));
      }),
    );
    await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
    expect(flights.size).toBe(0);
  });

  test("through the work of another coalescer", async () => {
    const [flights, others] = [new Singleflight(), new Singleflight()];
    const call = flights.do("k", () => others.do("k", () => flights.do("k", () => expect.unreachable())));
    await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
  });

  test("and may catch that and go on", async () => {
    const flights = new Singleflight();
    const call = flights.do("k", () => flights.do("k", () => "inner").catch(() => "instead"));
    expect(await call).toBe("instead");
  });

  test("also when it bypassed a full table, and also when there is room again", async () => {
    for (const roomAgain of [false, true]) {
      const flights = new Singleflight({ maxEntries: 1, onFull: "bypass" });
      const { work, run } = new GatedWork<string>();
      const full = flights.do("full", work);
      const call = flights.do("k", async () => {
        if (roomAgain) {
          run().resolve("v");
          await full;
        }
        return flights.do("k", () => expect.unreachable());
      });
      await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
      run().resolve("v");
      await full;
    }
  });

  test("also when its flight was evicted or is over age: it cannot evict itself for ever", async () => {
    const clock = new ManualClock();
    const flights = new Singleflight({ maxEntries: 1, maxAgeMs: 100, clock });
    let executions = 0;
    const recursive = async (): Promise<unknown> => {
      if (++executions > 10) return "for ever";
      await flights.do("other", () => "evicts");
      clock.advance(100);
      return flights.do("k", recursive);
    };
    await expect(flights.do("k", recursive)).rejects.toBeInstanceOf(ReentrantCallError);
    expect(executions).toBe(1);
  });
});

describe("not re-entrant, and so not rejected, is a call", () => {
  test("of the same key in another coalescer", async () => {
    const [flights, others] = [new Singleflight(), new Singleflight()];
    expect(await flights.do("k", () => others.do("k", () => "v"))).toBe("v");
  });

  test("of another key, however deep, joined by several", async () => {
    const flights = new Singleflight<number>({ maxEntries: 100 });
    let executions = 0;
    const fibonacci = (n: number): Promise<number> =>
      flights.do(`fibonacci:${n}`, async () => {
        executions++;
        if (n < 2) return n;
        const [a, b] = await Promise.all([fibonacci(n - 1), fibonacci(n - 2)]);
        return a + b;
      });
    expect(await fibonacci(20)).toBe(6765);
    expect(executions).toBeGreaterThanOrEqual(21);
    expect(flights.size).toBe(0);
  });

  test("that the caller makes beside or after its call", async () => {
    const flights = new Singleflight();
    const both = await Promise.all([flights.do("k", async () => "v"), flights.do("k", async () => "w")]);
    expect(both).toEqual(["v", "v"]);
    expect(await flights.do("k", () => "x").then(() => flights.do("k", () => "y"))).toBe("y");
  });

  test("that a continuation of the work makes after its flight has settled", async () => {
    const flights = new Singleflight();
    const after = Promise.withResolvers<unknown>();
    const settled = Promise.withResolvers<void>();
    await flights.do("k", () => {
      after.resolve(settled.promise.then(() => flights.do("k", () => "later")));
      return "v";
    });
    settled.resolve();
    expect(await after.promise).toBe("later");
  });

  test("that a continuation of the work makes after its flight has failed, in a flight within a flight", async () => {
    const flights = new Singleflight();
    const after = Promise.withResolvers<unknown>();
    const settled = Promise.withResolvers<void>();
    const call = flights.do("outer", () =>
      flights.do("inner", () => {
        after.resolve(
          settled.promise.then(() => flights.do("outer", () => flights.do("inner", () => "later"))),
        );
        throw new Error("no");
      }),
    );
    await expect(call).rejects.toThrow("no");
    settled.resolve();
    expect(await after.promise).toBe("later");
  });

  test("after the work forgot its own key", async () => {
    const flights = new Singleflight();
    const call = flights.do("k", async () => {
      await flights.forget("k");
      return flights.do("k", () => "anew");
    });
    expect(await call).toBe("anew");
  });

  test("by work that nobody waits for any more", async () => {
    const flights = new Singleflight();
    const again = Promise.withResolvers<unknown>();
    const caller = new AbortController();
    const call = flights.do(
      "k",
      async (signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        again.resolve(flights.do("k", () => "once more"));
      },
      { signal: caller.signal },
    );
    caller.abort("left");
    await expect(call).rejects.toBe("left");
    expect(await again.promise).toBe("once more");
  });

  test("when detectReentry is off: then it waits for itself, until its timeout lets it go", async () => {
    const flights = new Singleflight({ detectReentry: false, timeoutMs: 10 });
    const call = flights.do("k", () => flights.do("k", () => expect.unreachable()));
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_TIMEOUT" });
  });
});

test("a cycle through different callers is not seen: their timeouts end it", async () => {
  const flights = new Singleflight({ timeoutMs: 20 });
  const started = Promise.withResolvers<void>();
  const a = flights.do("a", async () => {
    await started.promise;
    return flights.do("b", () => expect.unreachable());
  });
  const b = flights.do("b", () => {
    started.resolve();
    return flights.do("a", () => expect.unreachable());
  });
  const [endOfA, endOfB] = await Promise.allSettled([a, b]);
  expect([endOfA.status, endOfB.status]).toEqual(["rejected", "rejected"]);
  await expect.poll(() => flights.size).toBe(0);
});

describe("the chain of flights", () => {
  const ancestor = (key: string): Ancestor => ancestorOf({}, key, currentAncestor());

  test("does not grow along a call chain that goes on for ever", () => {
    let previous: Ancestor | undefined;
    const step = (left: number): number => {
      const own = ancestor(`k${left}`);
      if (previous !== undefined) previous.over = true;
      previous = own;
      return runInside(own, lengthOrStep, left, undefined);
    };
    const lengthOrStep = (left: number): number => {
      if (left > 0) return step(left - 1);
      let length = 0;
      for (let node = currentAncestor(); node !== undefined; node = node.parent) length++;
      return length;
    };
    expect(step(500)).toBe(1);
  });

  test("skips flights in the middle that are over", () => {
    const [outer, middle, inner] = [ancestor("outer"), ancestor("middle"), ancestor("inner")];
    middle.parent = outer;
    inner.parent = middle;
    middle.over = true;
    runInside(
      inner,
      () => {
        expect(currentAncestor()).toBe(inner);
        expect(inner.parent).toBe(outer);
        inner.over = true;
        outer.over = true;
        expect(currentAncestor()).toBeUndefined();
      },
      undefined,
      undefined,
    );
  });
});
