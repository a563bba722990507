import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { endingOf, GatedWork } from "../test/gated-work.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { aNumber } from "../test/matchers.ts";
import { FLIGHT_CHANNEL, Singleflight, type FlightEvent, type SingleflightOptions } from "./index.ts";

function watched(options: SingleflightOptions = {}): {
  flights: Singleflight;
  clock: ManualClock;
  events: FlightEvent[];
  types: () => string[];
} {
  const clock = new ManualClock();
  const events: FlightEvent[] = [];
  const flights = new Singleflight({
    clock,
    ...options,
    observer: { onEvent: (event) => void events.push(event) },
  });
  return { flights, clock, events, types: () => events.map(({ type }) => type) };
}

describe("an observer is told", () => {
  test("every execution and every call, with how long they took", async () => {
    const { flights, clock, events } = watched();
    const { work, run } = new GatedWork<string>();
    const first = flights.do("k", work);
    clock.advance(10);
    const second = flights.do("k", work);
    clock.advance(5);
    run().resolve("v");
    await Promise.all([first, second]);
    const about = { keyPrefix: "other", flightId: run().flight.flightId };
    const call = { type: "call-ended", ...about, ending: "value", role: "local", shared: true };
    const [one, two] = events.flatMap((event) => (event.type === "call-started" ? [event.callId] : []));
    expect(one).not.toBe(two);
    expect(events).toEqual([
      { type: "call-started", ...about, callId: one },
      { type: "execution-started", ...about },
      { type: "call-started", ...about, callId: two },
      { type: "execution-ended", ...about, outcome: "value", durationMs: 15, aborted: false },
      { ...call, callId: one, coalesced: false, waitedMs: 15 },
      { ...call, callId: two, coalesced: true, waitedMs: 5 },
      { type: "flight-ended", ...about, ending: "value", role: "local" },
    ]);
  });

  test("how each call ended: value, error, left, timeout, closed", async () => {
    const { flights, clock, events } = watched();
    const gate = new GatedWork<string>();
    const caller = new AbortController();
    const calls = Promise.allSettled([
      flights.do("value", () => "v"),
      flights.do("error", () => Promise.reject(new Error("no"))),
      flights.do("left", gate.work, { signal: caller.signal }),
      flights.do("timeout", gate.work, { timeoutMs: 10 }),
      flights.do("closed", gate.work),
    ]);
    await setImmediate();
    caller.abort();
    clock.advance(10);
    await flights.close({ drainMs: 0 });
    await calls;
    const endings = events.flatMap((event) => (event.type === "call-ended" ? [event.ending] : []));
    expect(endings).toEqual(["value", "error", "left", "timeout", "closed"]);
  });

  test("as many coalesced and executing calls as there were calls, however they end", async () => {
    const { flights, events } = watched();
    const gate = new GatedWork<string>();
    const caller = new AbortController();
    const calls = [
      flights.do("k", gate.work, { signal: caller.signal }),
      flights.do("k", gate.work),
      flights.do("k", gate.work),
    ];
    caller.abort();
    gate.run().resolve("v");
    await Promise.allSettled(calls);
    const coalesced = events.flatMap((event) => (event.type === "call-ended" ? [event.coalesced] : []));
    expect(coalesced).toEqual([false, true, true]);
    expect(events.filter(({ type }) => type === "execution-started")).toHaveLength(1);
  });

  test("of flights aged, evicted, bypassed, forgotten and unwanted", async () => {
    const { work, runs } = new GatedWork<string>();
    const evicting = watched({ maxEntries: 1, maxAgeMs: 100 });
    const caller = new AbortController();
    const calls = [evicting.flights.do("a", work), evicting.flights.do("b", work)];
    evicting.clock.advance(100);
    calls.push(evicting.flights.do("b", work, { signal: caller.signal }));
    await evicting.flights.forget("b");
    caller.abort();
    const turns = evicting.events.filter(({ type }) => type.startsWith("flight-"));
    const [a, b, c] = runs.map(({ flight }) => flight.flightId);
    expect(turns).toMatchObject([
      { type: "flight-evicted", flightId: a },
      { type: "flight-aged", flightId: b },
      { type: "flight-forgotten", flightId: c },
      { type: "flight-unwanted", flightId: c },
      { type: "flight-ended", flightId: c },
    ]);
    const bypassing = watched({ maxEntries: 1, onFull: "bypass" });
    calls.push(bypassing.flights.do("a", work), bypassing.flights.do("b", work));
    expect(bypassing.types()).toContain("flight-bypassed");
    for (const { resolve } of runs) resolve("v");
    await Promise.allSettled(calls);
  });

  test("of calls refused, and why", async () => {
    const { flights, events } = watched({ maxEntries: 1, onFull: "reject", maxWaiters: 1 });
    const { work, run } = new GatedWork<string>();
    const holds = flights.do("k", work);
    await Promise.allSettled([flights.do("other", work), flights.do("k", work)]);
    run().resolve("v");
    await holds;
    await Promise.allSettled([flights.do("k", () => flights.do("k", work))]);
    await flights.close();
    await Promise.allSettled([flights.do("k", work)]);
    const refused = events.filter(({ type }) => type === "call-refused");
    expect(refused).toEqual(
      ["full", "waiters", "reentrant", "closed"].map((why) => ({
        type: "call-refused",
        keyPrefix: "other",
        why,
      })),
    );
  });

  test("of the end of work that throws at once", async () => {
    const { flights, types } = watched();
    const throws = (): never => {
      throw new Error("at once");
    };
    await endingOf(flights.do("k", throws));
    expect(types()).toEqual([
      "call-started",
      "execution-started",
      "execution-ended",
      "call-ended",
      "flight-ended",
    ]);
  });

  test("of work that goes on after its abort, when it ends, and that it was aborted", async () => {
    const { flights, clock, events } = watched();
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work, { timeoutMs: 10 });
    clock.advance(25);
    await endingOf(call);
    run().reject(new Error("late"));
    await setImmediate();
    expect(events.at(-1)).toMatchObject({
      type: "execution-ended",
      outcome: "error",
      durationMs: 25,
      aborted: true,
    });
  });
});

describe("what an event says of a key", () => {
  const keyPrefixOf = (key: string): string | undefined => (key.startsWith("user:") ? "user:" : undefined);

  test("is its prefix, or other; never the key", async () => {
    const { flights, events } = watched({ keyPrefixOf });
    await flights.do("user:4711", () => "v");
    await flights.do("secret:4711", () => "v");
    expect(new Set(events.slice(0, 5).map(({ keyPrefix }) => keyPrefix))).toEqual(new Set(["user:"]));
    expect(new Set(events.slice(5).map(({ keyPrefix }) => keyPrefix))).toEqual(new Set(["other"]));
    expect(JSON.stringify(events)).not.toContain("4711");
  });

  test("is the key too, with exposeKeys, also of refused calls", async () => {
    const { flights, events } = watched({ exposeKeys: true });
    await flights.do("user:4711", () => "v");
    await flights.close();
    await endingOf(flights.do("user:4711", () => "v"));
    expect(events.length).toBeGreaterThan(4);
    for (const event of events) expect(event.key).toBe("user:4711");
  });

  test.for([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["returns no text", () => 5 as unknown as string],
  ] as const)("is other when keyPrefixOf %s; the call does not notice", async ([, broken]) => {
    const { flights, events } = watched({ keyPrefixOf: broken });
    expect(await flights.do("k", () => "v")).toBe("v");
    for (const event of events) expect(event.keyPrefix).toBe("other");
  });
});

describe("an observer cannot disturb a call", () => {
  test("by throwing; the next observer is told all the same", async () => {
    const told: string[] = [];
    const flights = new Singleflight({
      observer: [
        {
          onEvent: () => {
            throw new Error("broken observer");
          },
        },
        { onEvent: ({ type }) => void told.push(type) },
      ],
    });
    expect(await flights.do("k", () => "v")).toBe("v");
    await expect(flights.do("k", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(told).toHaveLength(10);
  });

  test("nor the process, by being an async function that rejects", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    let told = 0;
    // Not a mock: those wait for what they return, and so handle the rejection.
    const onEvent = async (): Promise<void> => {
      told++;
      throw new Error("broken observer");
    };
    // oxlint-disable-next-line typescript/no-misused-promises -- others' code does
    const flights = new Singleflight({ observer: { onEvent } });
    expect(await flights.do("k", () => "v")).toBe("v");
    await setImmediate();
    process.off("unhandledRejection", note);
    expect(told).toBe(5);
    expect(unhandled).toEqual([]);
  });

  test("nor can a function that should name the group of a key, and rejects instead", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const prefixes: string[] = [];
    const flights = new Singleflight({
      keyPrefixOf: (() => Promise.reject(new Error("no name"))) as unknown as () => string,
      observer: { onEvent: ({ keyPrefix }) => void prefixes.push(keyPrefix) },
    });
    expect(await flights.do("k", () => "v")).toBe("v");
    await setImmediate();
    process.off("unhandledRejection", note);
    expect([new Set(prefixes), unhandled]).toEqual([new Set(["other"]), []]);
  });

  test("by calling back at every event: calls, aborts, forgets", async () => {
    const caller = new AbortController();
    const more: Promise<unknown>[] = [];
    const seen = new Set<string>();
    const flights: Singleflight = new Singleflight({
      maxEntries: 2,
      observer: {
        onEvent: ({ type }) => {
          if (seen.has(type)) return;
          seen.add(type);
          more.push(
            flights.do("k", () => "again"),
            flights.do(`new ${type}`, () => "new"),
            flights.forget("k"),
          );
          if (type === "execution-ended") caller.abort("left");
        },
      },
    });
    const calls = [flights.do("k", () => "v"), flights.do("k", () => "w", { signal: caller.signal })];
    const [first, second] = await Promise.all(calls.map(endingOf));
    expect(first).toEqual({ value: "v" });
    expect([{ error: "left" }, { value: "v" }, { value: "w" }]).toContainEqual(second);
    const results = await Promise.all(more);
    expect(
      results.every((result) => ["again", "new", "v", "w", true, false].includes(result as string)),
    ).toBe(true);
    expect(flights.size).toBe(0);
  });

  test("by aborting a caller's signal while that caller is being answered: it is told one ending, the true one", async () => {
    const caller = new AbortController();
    const endings: string[] = [];
    const flights = new Singleflight({
      observer: {
        onEvent: (event) => {
          if (event.type !== "call-ended") return;
          endings.push(event.ending);
          caller.abort("left");
        },
      },
    });
    const { work, run } = new GatedWork<string>();
    const calls = [flights.do("k", work), flights.do("k", work, { signal: caller.signal })];
    run().resolve("v");
    expect(await Promise.all(calls)).toEqual(["v", "v"]);
    expect(endings).toEqual(["value", "value"]);
  });

  test("by joining a flight whose last caller is just leaving: the flight stays for it", async () => {
    const caller = new AbortController();
    const joined: Promise<unknown>[] = [];
    const { work, run, runs } = new GatedWork<string>();
    const flights: Singleflight = new Singleflight({
      observer: {
        onEvent: (event) => {
          if (event.type === "call-ended" && event.ending === "left") joined.push(flights.do("k", work));
        },
      },
    });
    const leaves = flights.do("k", work, { signal: caller.signal });
    caller.abort("left");
    expect(runs).toHaveLength(1);
    expect(run().signal.aborted).toBe(false);
    run().resolve("v");
    expect([await endingOf(leaves), await joined[0]]).toEqual([{ error: "left" }, "v"]);
  });
});

describe("the diagnostics channel", () => {
  test("carries the events of every coalescer, to whoever subscribes", async () => {
    const events: unknown[] = [];
    const onMessage = (message: unknown): void => void events.push(message);
    subscribe(FLIGHT_CHANNEL, onMessage);
    await new Singleflight().do("k", () => "v");
    unsubscribe(FLIGHT_CHANNEL, onMessage);
    await new Singleflight().do("k", () => "v");
    expect(events).toHaveLength(5);
    expect(events[0]).toEqual({
      type: "call-started",
      keyPrefix: "other",
      flightId: expect.anything() as unknown,
      callId: aNumber,
    });
  });

  test("may gain a subscriber while calls are under way: they are answered, and told only in part", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const before = flights.do("k", work);
    const events: unknown[] = [];
    const onMessage = (message: unknown): void => void events.push(message);
    subscribe(FLIGHT_CHANNEL, onMessage);
    const after = flights.do("k", work);
    run().resolve("v");
    expect(await Promise.all([before, after])).toEqual(["v", "v"]);
    unsubscribe(FLIGHT_CHANNEL, onMessage);
    expect(events).toMatchObject([
      { type: "call-started" },
      { type: "call-ended" },
      { type: "flight-ended" },
    ]);
  });

  test("costs nothing when nobody listens: no event is built, no key is named", async () => {
    const keyPrefixOf = vi.fn<(key: string) => string>(() => "p");
    const flights = new Singleflight({ keyPrefixOf });
    await flights.do("k", () => "v");
    expect(channel(FLIGHT_CHANNEL).hasSubscribers).toBe(false);
    expect(keyPrefixOf).not.toHaveBeenCalled();
  });
});
