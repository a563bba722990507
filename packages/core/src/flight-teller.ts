/** Tells what happens to flights and their callers, in events that name no key unless `exposeKeys` asks for it. */
import type { Flight } from "./flight.ts";
import type { AboutFlight, Emitter, FlightEvent, RefusedWhy } from "./observer.ts";
import type { FlightLimits } from "./options.ts";

/** What can happen to a flight before it ends. */
type TurningPoint =
  | "flight-aged"
  | "flight-evicted"
  | "flight-bypassed"
  | "flight-unwanted"
  | "flight-forgotten";

export class FlightTeller {
  readonly #limits: FlightLimits;
  readonly #emitter: Emitter<FlightEvent>;

  constructor(limits: FlightLimits, emitter: Emitter<FlightEvent>) {
    this.#limits = limits;
    this.#emitter = emitter;
  }

  about(key: string, flightId: string): AboutFlight {
    const about: AboutFlight = { keyPrefix: this.#limits.keyPrefixOf(key) ?? "other", flightId };
    if (this.#limits.exposeKeys) about.key = key;
    return about;
  }

  callStarted(flight: Flight, callId: number): void {
    this.#emitter.emit({ type: "call-started", ...this.about(flight.key, flight.localId), callId });
  }

  callRefused(key: string, why: RefusedWhy): void {
    if (!this.#emitter.active) return;
    const { keyPrefix, key: exposed } = this.about(key, "");
    this.#emitter.emit({
      type: "call-refused",
      keyPrefix,
      why,
      ...(exposed === undefined ? {} : { key: exposed }),
    });
  }

  /** An event that says no more than which flight it is about. */
  turningPoint(type: TurningPoint, flight: Flight): void {
    if (this.#emitter.active) this.#emitter.emit({ type, ...this.about(flight.key, flight.localId) });
  }
}
