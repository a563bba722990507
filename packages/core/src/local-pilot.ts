/** Flies alone: calls the work at once in this process and hands its outcome to the callers. */
import { background } from "./background.ts";
import { FlightUnwantedError } from "./errors.ts";
import type { Flight } from "./flight.ts";
import type { Pilot } from "./pilot.ts";

export const localPilot: Pilot = {
  sharesPromise: true,

  launch(flight) {
    const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
    background(
      flight.execute(flight.work, context).then(
        (value) => flight.land(value),
        (error: unknown) => flight.fail(error),
      ),
    );
  },

  onUnwanted(flight) {
    flight.abort(new FlightUnwantedError());
  },

  onReplaced(flight, reason) {
    flight.abort(reason);
  },
};

/** Answers the callers of a flight that is still under way when its coalescer closes, and aborts its work. */
export function evacuateLocally(flight: Flight, reason: Error): void {
  flight.fail(reason, undefined, "closed");
  flight.abort(reason);
}
