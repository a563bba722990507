/** Events that pair up: whoever counts or traces can tell which end belongs to which start. */
import { expect, test } from "vitest";
import { Singleflight } from "./singleflight.ts";
import type { FlightEvent } from "./observer.ts";

type Of<T extends FlightEvent["type"]> = Extract<FlightEvent, { type: T }>;

function listening(): {
  flights: Singleflight;
  events: FlightEvent[];
  of: <T extends FlightEvent["type"]>(type: T) => Of<T>[];
} {
  const events: FlightEvent[] = [];
  const flights = new Singleflight({ observer: { onEvent: (event) => void events.push(event) } });
  return {
    flights,
    events,
    of: (type) => events.filter((event): event is Of<typeof type> => event.type === type),
  };
}

test("every call has a start and an end under an id of its own", async () => {
  const { flights, of } = listening();
  const { promise, resolve } = Promise.withResolvers<number>();
  const calls = [flights.do("a", () => promise), flights.do("a", () => 2), flights.do("b", () => promise)];
  expect(of("call-started")).toHaveLength(3);
  expect(of("call-ended")).toEqual([]);
  resolve(1);
  await Promise.all(calls);
  const started = of("call-started").map(({ callId }) => callId);
  expect(new Set(started).size).toBe(3);
  const ended = of("call-ended").map(({ callId }) => callId);
  expect(new Set(ended)).toEqual(new Set(started));
  expect(ended).toHaveLength(3);
});

test("the start of a call is told before its work is called, and in the flight that it joined", async () => {
  const { flights, events, of } = listening();
  await Promise.all([flights.do("a", () => 1), flights.do("a", () => 2)]);
  expect(events.map(({ type }) => type)).toEqual([
    "call-started",
    "execution-started",
    "call-started",
    "execution-ended",
    "call-ended",
    "call-ended",
    "flight-ended",
  ]);
  expect(new Set(of("call-started").map(({ flightId }) => flightId)).size).toBe(1);
});

test("a flight ends once, when its last caller has been answered, and says how", async () => {
  const { flights, of } = listening();
  await Promise.all([flights.do("a", () => 1), flights.do("a", () => 2)]);
  await flights.do("b", () => Promise.reject(new Error("no"))).catch(() => undefined);
  expect(of("flight-ended")).toMatchObject([
    { ending: "value", role: "local" },
    { ending: "error", role: "local" },
  ]);
});

test("a flight ends when its last caller leaves, though its work goes on", async () => {
  const { flights, of } = listening();
  const { promise, resolve } = Promise.withResolvers<number>();
  const leaving = new AbortController();
  const calls = [
    flights.do("a", () => promise, { signal: leaving.signal }),
    flights.do("a", () => 2, { timeoutMs: 1 }),
  ];
  await expect(calls[1]).rejects.toMatchObject({ code: "ERR_SKEIN_TIMEOUT" });
  expect(of("flight-ended")).toEqual([]);
  leaving.abort(new Error("gone"));
  await expect(calls[0]).rejects.toThrow("gone");
  expect(of("flight-ended")).toMatchObject([{ ending: "left" }]);
  resolve(1);
  await promise;
  expect(of("flight-ended")).toHaveLength(1);
});

test("an observer that asks for the same key as a call starts does not break the flight", async () => {
  const seen: Promise<number>[] = [];
  let asked = false;
  const flights: Singleflight<number> = new Singleflight<number>({
    observer: {
      onEvent: ({ type }) => {
        if (type !== "call-started" || asked) return;
        asked = true;
        seen.push(flights.do("a", () => 2));
      },
    },
  });
  const outer = flights.do("a", () => 1);
  expect(await outer).toBe(1);
  expect(await seen[0]).toBe(1);
  expect(flights.size).toBe(0);
});

test("calls of several coalescers have different ids", async () => {
  const [one, two] = [listening(), listening()];
  await Promise.all([one.flights.do("a", () => 1), two.flights.do("a", () => 2)]);
  expect(one.of("call-started")[0]?.callId).not.toBe(two.of("call-started")[0]?.callId);
});
