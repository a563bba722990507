import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FlightIndex } from "./flight-index.ts";
import { FlightTable } from "./flight-table.ts";
import { Flight } from "./flight.ts";
import { localPilot } from "./local-pilot.ts";
import { Emitter } from "./observer.ts";
import { flightLimits } from "./options.ts";

const table = new FlightTable(flightLimits({}), new Emitter(undefined));

function flightOf(key: string): Flight {
  return new Flight(table, key, () => undefined, localPilot, undefined);
}

function keysOf(index: FlightIndex): string[] {
  return Array.from(index, ({ key }) => key);
}

test("finds a flight by its key from when it enters until it leaves", () => {
  const index = new FlightIndex();
  const flight = flightOf("k");
  expect(index.get("k")).toBeUndefined();
  index.enter(flight);
  expect([index.get("k"), index.size, flight.listed]).toEqual([flight, 1, true]);
  index.leave(flight);
  expect([index.get("k"), index.size, flight.listed]).toEqual([undefined, 0, false]);
});

test("keeps the order in which flights came, whichever leaves, and also when a key comes again", () => {
  const index = new FlightIndex();
  const flights = ["a", "b", "c", "d"].map(flightOf);
  const [a, b, c, d] = flights as [Flight, Flight, Flight, Flight];
  for (const flight of flights) index.enter(flight);
  index.leave(b);
  expect([keysOf(index), index.oldest]).toEqual([["a", "c", "d"], a]);
  index.leave(a);
  const again = flightOf("a");
  index.enter(again);
  expect([keysOf(index), index.oldest]).toEqual([["c", "d", "a"], c]);
  for (const flight of [again, c, d]) index.leave(flight);
  expect([keysOf(index), index.oldest]).toEqual([[], undefined]);
});

test("a flight that has left holds on to none of its neighbours", () => {
  const index = new FlightIndex();
  const flights = ["a", "b", "c"].map(flightOf);
  for (const flight of flights) index.enter(flight);
  index.leave(flights[1]!);
  expect([flights[1]!.older, flights[1]!.younger]).toEqual([undefined, undefined]);
});

test("what is left after many keys are the flights that have not left", () => {
  const index = new FlightIndex();
  const staying: string[] = [];
  for (let number = 0; number < 20_000; number++) {
    const flight = flightOf(`k${number}`);
    index.enter(flight);
    if (number % 1_000 === 0) staying.push(flight.key);
    else index.leave(flight);
  }
  expect(keysOf(index)).toEqual(staying);
  for (const key of staying) expect(index.get(key)?.key).toBe(key);
  expect(index.get("k1")).toBeUndefined();
});

test("long keys are not kept", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const index = new FlightIndex();
  const passing = (keys: number, length: number): void => {
    for (let number = 0; number < keys; number++) {
      const flight = flightOf(String(number).padStart(length, "-"));
      index.enter(flight);
      index.leave(flight);
    }
  };
  passing(1, 100_000);
  collect();
  const before = process.memoryUsage().heapUsed;
  passing(400, 100_000);
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
});
