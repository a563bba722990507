/**
 * The bare Map with nothing added but a signal for each flight. Nobody publishes it, and it aborts nothing: it shows what of
 * a flight's cost is the AbortController that everything has which can be told to stop.
 */
import type { InProcessContender } from "../contender.ts";

export const mapWithSignal: InProcessContender = {
  name: "bare Map with a signal",
  configuration: "the same, an AbortController per flight",
  open(load) {
    const flights = new Map<string, Promise<unknown>>();
    const work = (_signal: AbortSignal, key: string): Promise<unknown> => load(key);
    return (key) => {
      const present = flights.get(key);
      if (present !== undefined) return present;
      const { signal } = new AbortController();
      const flight = work(signal, key).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    };
  },
};
