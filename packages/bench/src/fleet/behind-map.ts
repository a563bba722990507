/** Puts the bare Map in front, so that a process asks once for all of its callers. */
import type { Call } from "../call.ts";

export function behindMap(call: Call): Call {
  const flights = new Map<string, Promise<unknown>>();
  return (key) => {
    const present = flights.get(key);
    if (present !== undefined) return present;
    const flight = call(key).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}
