import { describe, expect, test } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { aNumber, containing, matching } from "../test/matchers.ts";
import { Singleflight, type Work } from "./index.ts";

describe("concurrent calls of one key", () => {
  test("run the work once and all get its value", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const calls = Array.from({ length: 100 }, () => flights.do("k", work));
    expect(runs).toHaveLength(1);
    run().resolve("v");
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, () => "v"));
  });

  test("get the very object the work returned, not a copy", async () => {
    const flights = new Singleflight<object>();
    const value = { deep: { er: 1 } };
    const [one, two] = await Promise.all([flights.do("k", () => value), flights.do("k", () => ({}))]);
    expect(one).toBe(value);
    expect(two).toBe(value);
  });

  test("all get the very error the work rejected with", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork();
    const calls = [flights.do("k", work), flights.do("k", work), flights.fly("k", work)];
    const error = new Error("no such user");
    run().reject(error);
    for (const call of calls) expect(await endingOf(call)).toEqual({ error });
    expect(
      (await Promise.allSettled(calls)).every((r) => r.status === "rejected" && r.reason === error),
    ).toBe(true);
  });

  test("are reported as unhandled when they fail and nobody listens, and only then", async () => {
    const flights = new Singleflight();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    const { work, run } = new GatedWork();
    process.on("unhandledRejection", note);
    try {
      const heard = [flights.do("heard", work), flights.do("heard", work)];
      void flights.do("unheard", work);
      const error = new Error("unheard");
      run(0).reject(new Error("heard"));
      run(1).reject(error);
      await Promise.allSettled(heard);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([error]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  test("do not disturb those of other keys", async () => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const a = flights.do("a", work);
    const b = flights.do("b", work);
    expect(runs.map(({ flight }) => flight.key)).toEqual(["a", "b"]);
    run(0).reject(new Error("a fails"));
    run(1).resolve("b succeeds");
    await expect(a).rejects.toThrow("a fails");
    expect(await b).toBe("b succeeds");
  });

  test("are told apart from those of another coalescer", async () => {
    const { work, run, runs } = new GatedWork<number>();
    const one = new Singleflight().do("k", work);
    const two = new Singleflight().do("k", work);
    expect(runs).toHaveLength(2);
    run(0).resolve(1);
    run(1).resolve(2);
    expect(await Promise.all([one, two])).toEqual([1, 2]);
  });
});

describe("the work", () => {
  test("is called before do() returns", async () => {
    const flights = new Singleflight();
    const order: string[] = [];
    const call = flights.do("k", () => order.push("work"));
    order.push("after do");
    expect(order).toEqual(["work", "after do"]);
    await call;
  });

  test("of later callers is not called while the flight lasts", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const first = flights.do("k", work);
    const second = flights.do("k", () => expect.unreachable());
    run().resolve("first");
    expect(await Promise.all([first, second])).toEqual(["first", "first"]);
  });

  test("gets a real AbortSignal, not aborted, that composes and that fetch accepts", async () => {
    const flights = new Singleflight();
    await flights.do("k", (signal) => {
      expect(signal).toBeInstanceOf(AbortSignal);
      expect(signal.aborted).toBe(false);
      expect(AbortSignal.any([signal]).aborted).toBe(false);
      expect(new Request("http://localhost", { signal }).signal.aborted).toBe(false);
    });
  });

  test("is told its key and the identity of its flight, which differs from flight to flight", async () => {
    const flights = new Singleflight();
    const seen: string[] = [];
    const work: Work<void> = (_signal, flight) => {
      expect(flight).toEqual({
        key: "k",
        flightId: matching(/^[0-9a-z]{8}-[0-9a-z]+$/),
        takeovers: 0,
      });
      seen.push(flight.flightId);
    };
    await flights.do("k", work);
    await flights.do("k", work);
    expect(new Set(seen).size).toBe(2);
  });

  test("keeps the caller's asynchronous context, and gives it back", async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const request = new AsyncLocalStorage<string>();
    const flights = new Singleflight();
    await request.run("request 1", async () => {
      const call = flights.do("k", async () => {
        await Promise.resolve();
        return request.getStore();
      });
      expect(request.getStore()).toBe("request 1");
      expect(await call).toBe("request 1");
      expect(request.getStore()).toBe("request 1");
    });
  });
});

describe("an outcome", () => {
  test.for([undefined, null, false, 0, "", Number.NaN])("may be %s", async (value) => {
    const flights = new Singleflight();
    const calls = [
      flights.do("k", () => value),
      flights.do("k", () => "another"),
      flights.fly("k", () => "another"),
    ];
    expect(await Promise.all(calls)).toMatchObject([value, value, { value }]);
  });

  test("that is returned without a promise is shared like any other", async () => {
    const flights = new Singleflight();
    let executions = 0;
    const calls = Array.from({ length: 3 }, () => flights.do("k", () => ++executions));
    expect(await Promise.all(calls)).toEqual([1, 1, 1]);
  });

  test("that is thrown synchronously is a rejection, shared like any other", async () => {
    const flights = new Singleflight();
    let executions = 0;
    const work = (): never => {
      executions++;
      throw new Error("at once");
    };
    const calls = Array.from({ length: 3 }, () => flights.do("k", work));
    for (const call of calls) await expect(call).rejects.toThrow("at once");
    expect(executions).toBe(1);
    expect(flights.size).toBe(0);
  });

  test.for([undefined, null, 0, "text"])("may be the error %s", async (reason) => {
    const flights = new Singleflight();
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- others' code does
    expect(await endingOf(flights.do("k", () => Promise.reject(reason)))).toEqual({ error: reason });
  });

  test("is not kept: the next call runs the work anew, after a value and after an error", async () => {
    const flights = new Singleflight();
    let executions = 0;
    const work = async (): Promise<number> => {
      executions++;
      if (executions === 2) throw new Error("second");
      return executions;
    };
    expect(await flights.do("k", work)).toBe(1);
    await expect(flights.do("k", work)).rejects.toThrow("second");
    expect(await flights.do("k", work)).toBe(3);
  });

  test("is gone when its first caller learns of it: that caller may call again at once", async () => {
    const flights = new Singleflight();
    let executions = 0;
    const again = await flights
      .do("k", async () => ++executions)
      .then(() => flights.do("k", async () => ++executions));
    expect(again).toBe(2);
  });

  test("of work that gives up gracefully on abort still reaches nobody twice", async () => {
    const flights = new Singleflight();
    const caller = new AbortController();
    const call = flights.do(
      "k",
      async (signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return "partial";
      },
      { signal: caller.signal },
    );
    caller.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    expect(flights.size).toBe(0);
  });
});

describe("keys", () => {
  const odd = [
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "",
    " ",
    "\0",
    "\ud800",
    "{a}",
    "k".repeat(10_000),
  ];

  test.for(odd)("%j is a key like any other", async (key) => {
    const flights = new Singleflight();
    const { work, run, runs } = new GatedWork<string>();
    const calls = [flights.do(key, work), flights.do(key, work)];
    expect(runs).toHaveLength(1);
    expect(flights.size).toBe(1);
    run().resolve("v");
    expect(await Promise.all(calls)).toEqual(["v", "v"]);
    expect(flights.size).toBe(0);
    expect(await flights.forget(key)).toBe(false);
  });

  test("are told apart by every character", async () => {
    const flights = new Singleflight();
    const { work, runs } = new GatedWork<void>();
    const calls = [...odd, "__proto__ ", "__PROTO__", "k"].map((key) => flights.do(key, work));
    expect(runs).toHaveLength(odd.length + 3);
    for (const { resolve } of runs) resolve();
    await Promise.all(calls);
  });
});

describe("fly()", () => {
  test("tells the story of a flight with one caller", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const call = flights.fly("k", work);
    run().resolve("v");
    expect(await call).toEqual({
      value: "v",
      role: "local",
      shared: false,
      flightId: run().flight.flightId,
      takeovers: 0,
      waitedMs: aNumber,
    });
  });

  test("tells every caller the same flight, and that the value is shared", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const calls = [flights.fly("k", work), flights.fly("k", work)];
    const plain = flights.do("k", work);
    run().resolve("v");
    const [one, two] = await Promise.all(calls);
    expect(one).toMatchObject({ value: "v", shared: true, flightId: run().flight.flightId });
    expect(two).toMatchObject({ value: "v", shared: true, flightId: run().flight.flightId });
    expect(one).not.toBe(two);
    expect(await plain).toBe("v");
  });

  test("does not call a value shared that the other callers did not wait for", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const left = new AbortController();
    const leaving = flights.do("k", work, { signal: left.signal });
    const staying = flights.fly("k", work);
    left.abort();
    run().resolve("v");
    expect(await staying).toMatchObject({ shared: false });
    await expect(leaving).rejects.toThrow("aborted");
  });
});

describe("many flights", () => {
  test("100,000 at once, with 2 callers each, all end with their own value", async () => {
    const flights = new Singleflight<number>({ maxEntries: 200_000 });
    const go = Promise.withResolvers<void>();
    const calls: Promise<number>[] = [];
    let executions = 0;
    for (let caller = 0; caller < 2; caller++) {
      for (let index = 0; index < 100_000; index++) {
        calls.push(
          flights.do(`key:${index}`, async () => {
            executions++;
            await go.promise;
            return index;
          }),
        );
      }
    }
    expect(flights.size).toBe(100_000);
    go.resolve();
    const values = await Promise.all(calls);
    expect(values.every((value, index) => value === index % 100_000)).toBe(true);
    expect(executions).toBe(100_000);
    expect(flights.size).toBe(0);
  });
});

describe("a call that cannot be made", () => {
  const flights = new Singleflight();
  const work = (): string => "v";

  test.for([
    ["key", [5, work], "argument key is 5: must be a string"],
    ["key", [undefined, work], "argument key is undefined: must be a string"],
    ["work", ["k", "text"], 'argument work is "text": must be a function'],
    ["options", ["k", work, null], "argument options is null: must be an object"],
    ["options", ["k", work, 5], "argument options is 5: must be an object"],
    ["signal", ["k", work, { signal: {} }], "argument signal is an object: must be an AbortSignal"],
    [
      "timeoutMs",
      ["k", work, { timeoutMs: 0 }],
      "argument timeoutMs is 0: must be an integer from 1 to 2147483647",
    ],
    ["timeoutMs", ["k", work, { timeoutMs: 1.5 }], "argument timeoutMs is 1.5: must be an integer"],
    [
      "timeoutMs",
      ["k", work, { timeoutMs: 2 ** 31 }],
      "argument timeoutMs is 2147483648: must be an integer",
    ],
    ["timeoutMs", ["k", work, { timeoutMs: "5" }], 'argument timeoutMs is "5": must be an integer'],
  ] as const)("rejects, never throws, and names %s and its rule", async ([argument, args, message]) => {
    for (const method of [flights.do, flights.fly]) {
      const call: unknown = Reflect.apply(method, flights, args);
      expect(call).toBeInstanceOf(Promise);
      await expect(call).rejects.toMatchObject({
        name: "InvalidArgumentError",
        code: "ERR_SKEIN_INVALID_ARGUMENT",
        argument,
        message: containing(message),
      });
    }
    expect(flights.size).toBe(0);
  });

  test("forget() rejects a key that is no string", async () => {
    const forget: unknown = Reflect.apply(flights.forget, flights, [5]);
    await expect(forget).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT", argument: "key" });
  });
});

test("ready() resolves at once", async () => {
  expect(await new Singleflight().ready()).toBeUndefined();
});
