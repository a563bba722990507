/**
 * The bare Map with nothing added but a signal for each flight. Nobody publishes it, and it aborts nothing: it shows what of
 * a flight's cost is the AbortController that everything has which can be told to stop.
 */
import type { InProcessContender } from "../contender.ts";

export const mapWithSignal: InProcessContender = {
  name: "bare Map with a signal",
  configuration: "the same, an AbortController per flight",
  module: import.meta.url,
  open(load) {
    const flights = new Map<string, { promise: Promise<unknown>; controller: AbortController }>();
    const work = (_signal: AbortSignal, key: string): Promise<unknown> => load(key);
    return (key) => {
      const present = flights.get(key);
      if (present !== undefined) return present.promise;
      const controller = new AbortController();
      const promise = work(controller.signal, key).finally(() => flights.delete(key));
      flights.set(key, { promise, controller });
      return promise;
    };
  },
};
