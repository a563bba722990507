/** A cache over an in-process Singleflight, with a store of its own or one that fails. */
import {
  ClosedError,
  FlightTimeoutError,
  insideFlightChain,
  ReentrantCallError,
  Singleflight,
  systemClock,
  type Clock,
} from "@skein/core";
import { FakeClock } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import type { CacheEvent } from "./observer.ts";
import type { CacheOptions } from "./options.ts";
import { createCache, type Cache } from "./read-through-cache.ts";
import { MemoryStore, type CacheStore } from "./store.ts";

/** A clock that stands still until it is told otherwise. */
function standingClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  return {
    now: () => now,
    setTimer: () => ({ cancel() {} }),
    nextPoll: (callback) => void setImmediate(callback),
    advance(ms) {
      now += ms;
    },
  };
}

function cacheOf(options: Partial<CacheOptions> = {}): {
  cache: Cache;
  clock: ReturnType<typeof standingClock>;
  events: CacheEvent[];
} {
  const clock = standingClock();
  const events: CacheEvent[] = [];
  const flights = new Singleflight();
  const observer = { onEvent: (event: CacheEvent) => void events.push(event) };
  const cache = createCache({ flights, ttlMs: 1_000, ttlJitter: 0, clock, observer, ...options });
  return { cache, clock, events };
}

function counter(): { load: () => number; readonly loads: number } {
  let loads = 0;
  return {
    load: () => ++loads,
    get loads() {
      return loads;
    },
  };
}

describe("over an in-process Singleflight", () => {
  test("a value is loaded once, kept for its time, and loaded again", async () => {
    const { cache, clock } = cacheOf();
    const { load } = counter();
    expect(await Promise.all([cache.get("a", load), cache.get("a", load)])).toEqual([1, 1]);
    clock.advance(999);
    expect(await cache.get("a", load)).toBe(1);
    clock.advance(1);
    expect(await cache.get("a", load)).toBe(2);
  });

  test("a load in progress is not written after a set or a delete", async () => {
    const { cache } = cacheOf();
    for (const write of ["set", "delete"] as const) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const began = Promise.withResolvers<void>();
      const loading = cache.get(write, () => {
        began.resolve();
        return promise;
      });
      await began.promise;
      if (write === "set") await cache.set(write, "written");
      else await cache.delete(write);
      resolve("outdated");
      expect(await loading).toBe("outdated");
      const expected = write === "set" ? "written" : "new";
      expect(await cache.get(write, () => "new")).toBe(expected);
    }
  });

  test("with staleMs a value past its time is given at once and renewed by one call; a failure waits", async () => {
    const { cache, clock, events } = cacheOf({ staleMs: 60_000, refreshBackoffMs: 500 });
    await cache.set("a", "old");
    clock.advance(1_500);
    let failures = 0;
    const failing = (): never => {
      failures++;
      throw new Error("boom");
    };
    for (let call = 0; call < 5; call++) {
      expect(await cache.get("a", failing)).toBe("old");
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(failures).toBe(1);
    clock.advance(500);
    expect(await cache.get("a", () => "new")).toBe("old");
    await expect.poll(() => cache.get("a", () => "newer")).toBe("new");
    expect(events.filter(({ type }) => type === "refresh")).toHaveLength(2);
  });

  test("with staleIfErrorMs a value past its time stands in for a load that failed", async () => {
    const { cache, clock } = cacheOf({ staleIfErrorMs: 500 });
    await cache.set("a", "old");
    clock.advance(1_200);
    const failing = (): Promise<never> => Promise.reject(new Error("boom"));
    expect(await cache.get("a", failing)).toBe("old");
    clock.advance(400);
    await expect(cache.get("a", failing)).rejects.toThrow("boom");
  });

  test("it does not stand in for a load that its caller would not wait for, nor for one that was closed", async () => {
    const flights = new Singleflight();
    const { cache, clock } = cacheOf({ flights, staleIfErrorMs: 5_000 });
    await cache.set("a", "old");
    clock.advance(1_200);
    const never = new Promise<string>(() => undefined);
    const impatient = cache.get("a", () => never, { timeoutMs: 5 });
    await expect(impatient).rejects.toBeInstanceOf(FlightTimeoutError);
    await flights.close({ drainMs: 0 });
    await expect(cache.get("a", () => "new")).rejects.toBeInstanceOf(ClosedError);
  });

  test("errors are kept only if asked for, and negative values for a time of their own", async () => {
    const { cache, clock } = cacheOf({ errorTtlMs: 100, negativeTtlMs: 200 });
    const failing = (): never => {
      throw Object.assign(new Error("boom"), { code: "E_BOOM" });
    };
    await expect(cache.get("e", failing)).rejects.toThrow("boom");
    await expect(cache.get("e", () => 1)).rejects.toMatchObject({ code: "E_BOOM", name: "CachedWorkError" });
    expect(await cache.get("n", () => null)).toBe(null);
    expect(await cache.get("n", () => 1)).toBe(null);
    clock.advance(200);
    expect(await cache.get("e", () => 1)).toBe(1);
    expect(await cache.get("n", () => 1)).toBe(1);
  });
});

describe("a store in trouble", () => {
  test("fails no call: every one is a miss, and writes say that they failed", async () => {
    const broken = (): Promise<never> => Promise.reject(new Error("no store"));
    const store: CacheStore = { get: broken, set: broken, delete: broken };
    const { cache, events } = cacheOf({ store });
    const { load } = counter();
    expect(await cache.get("a", load)).toBe(1);
    expect(await cache.get("a", load)).toBe(2);
    expect(await cache.set("a", 1)).toBe(false);
    expect(await cache.delete("a")).toBe(false);
    expect(events.filter(({ type }) => type === "read-failed").length).toBeGreaterThan(1);
  });

  test("that never answers is a miss after storeTimeoutMs, and a caller that leaves does not wait for it", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const store: CacheStore = { get: never, set: never, delete: never };
    const { cache, events } = cacheOf({ store, clock: systemClock, storeTimeoutMs: 20 });
    expect(await cache.get("a", () => "loaded")).toBe("loaded");
    expect(await cache.set("a", 1)).toBe(false);
    expect(await cache.delete("a")).toBe(false);
    expect(events.map(({ type }) => type)).toEqual([
      ...["read-failed", "miss", "not-written", "not-written"],
    ]);
    const patient = cacheOf({ store, clock: systemClock, storeTimeoutMs: 60_000 });
    const caller = new AbortController();
    const call = patient.cache.get("a", () => "never", { signal: caller.signal });
    caller.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
  });

  test("that hangs costs one call its time, and rests for a second", async () => {
    let asked = 0;
    const hangs = (): Promise<never> => {
      asked++;
      return new Promise(() => undefined);
    };
    const clock = new FakeClock();
    const { cache } = cacheOf({ store: { get: hangs, set: hangs, delete: hangs }, clock });
    const first = cache.get("a", () => "loaded");
    await clock.advance(250);
    expect(await first).toBe("loaded");
    expect(asked).toBe(1);
    expect(await cache.get("a", () => "again")).toBe("again");
    expect(asked).toBe(1);
    await clock.advance(1_000);
    const later = cache.get("a", () => "later");
    await clock.advance(250);
    expect(await later).toBe("later");
    expect(asked).toBe(2);
  });

  test("with damaged bytes gives a counted miss, whichever byte is damaged", async () => {
    const store = new MemoryStore();
    const { cache, events } = cacheOf({ store });
    await cache.set("a", { some: "value" });
    const sound = (await store.get("a"))?.bytes ?? new Uint8Array();
    for (let index = 0; index < sound.length; index++) {
      const damaged = Uint8Array.from(sound);
      damaged[index] = (damaged[index] ?? 0) ^ 1;
      await store.set("a", damaged, 60_000);
      events.length = 0;
      expect(await cache.get("a", () => "loaded")).toBe("loaded");
      expect(events.some(({ type }) => type === "broken")).toBe(true);
    }
  });
});

describe("options", () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ["ttlMs", 0],
    ["errorTtlMs", 2_001],
    ["staleMs", -1],
    ["ttlJitter", 0.6],
    ["maxEntryBytes", 1.5],
    ["isNegative", 1],
    ["schema", {}],
    ["codec", {}],
    ["store", {}],
    ["redis", {}],
    ["flights", {}],
    ["observer", {}],
    ["observer", [null]],
    ["storeTimeoutMs", 0],
    ["ttl", 5],
  ];
  test.each(wrong)("a wrong %s is refused by name: %j", (option, value) => {
    expect(() => cacheOf({ [option]: value })).toThrow(new RegExp(`^option ${option} is `));
  });

  const wrongCalls: readonly (readonly [string, readonly unknown[]])[] = [
    ["key", [7, () => 1]],
    ["loader", ["a", 7]],
    ["signal", ["a", () => 1, { signal: 5 }]],
    ["timeoutMs", ["a", () => 1, { timeoutMs: 0 }]],
    ["options", ["a", () => 1, null]],
  ];
  test.each(wrongCalls)("a wrong %s of a call is refused by name", async (argument, args) => {
    const { cache } = cacheOf();
    const call: unknown = Reflect.apply(cache.get, cache, args);
    await expect(call).rejects.toMatchObject({
      code: "ERR_SKEIN_INVALID_ARGUMENT",
      message: expect.stringMatching(`^argument ${argument} is `) as string,
    });
  });

  test("an observer that throws or rejects disturbs no call and ends no process", async () => {
    const rejecting = ((): unknown => Promise.reject(new Error("observer"))) as () => undefined;
    const throwing = (): never => {
      throw new Error("observer");
    };
    const { cache } = cacheOf({ observer: [{ onEvent: rejecting }, { onEvent: throwing }] });
    expect(await cache.get("a", () => 1)).toBe(1);
    expect(await cache.get("a", () => 2)).toBe(1);
  });

  test("a wrong time to live of a call is refused", async () => {
    const { cache } = cacheOf();
    await expect(cache.fetchThroughCache("a", () => 1, 0)).rejects.toMatchObject({
      code: "ERR_SKEIN_INVALID_ARGUMENT",
    });
    await expect(cache.get("a", () => 1, { ttlMs: 0.5 })).rejects.toMatchObject({
      code: "ERR_SKEIN_INVALID_ARGUMENT",
    });
  });
});

describe("a load whose call was refused, because it would wait for itself, is not kept for errorTtlMs:", () => {
  test("neither when it is so, nor when only the header of a caller says so, whatever the loader makes of it", async () => {
    const flights = new Singleflight();
    const cache = createCache({ flights, ttlMs: 60_000, errorTtlMs: 2_000 });
    const end = Promise.withResolvers<string>();
    const ids: string[] = [];
    const slow = flights.do("slow", (_signal, { flightId }) => {
      ids.push(flightId);
      return end.promise;
    });
    const page = (): Promise<string> =>
      flights
        .do("slow", () => "slow")
        .catch((cause: unknown) => Promise.reject(new Error("no page", { cause })));
    const spoofed = insideFlightChain(ids[0], () => cache.get("page", page));
    await expect(spoofed).rejects.toThrow("no page");
    end.resolve("slow");
    await slow;
    expect(await cache.get("page", page)).toBe("slow");

    const itself = cache.get("k", () => flights.do("k", () => "inner"));
    await expect(itself).rejects.toBeInstanceOf(ReentrantCallError);
    expect(await cache.get("k", () => "value")).toBe("value");
  });
});
