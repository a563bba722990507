/**
 * The reference: what everybody writes first. No signal, no limit, no timeout; the entry is deleted by key. Its best
 * configuration is that there is none.
 */
import type { InProcessContender } from "../contender.ts";

export const bareMap: InProcessContender = {
  name: "bare Map",
  configuration: "Map of promises, deleted in finally",
  module: import.meta.url,
  open(load) {
    const flights = new Map<string, Promise<unknown>>();
    return (key) => {
      const present = flights.get(key);
      if (present !== undefined) return present;
      const flight = load(key).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    };
  },
};
