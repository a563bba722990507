/** Tells what happens to flights and their callers, in events that name no key unless `exposeKeys` asks for it. */
import type { Flight } from "./flight.ts";
import type { AboutFlight, Emitter, FlightEvent, RefusedWhy } from "./observer.ts";
import type { FlightLimits } from "./options.ts";

type EventOfFlight = Extract<FlightEvent, AboutFlight>;
/** What an event says besides which flight it is about. */
type Details<Type> = Omit<Extract<EventOfFlight, { type: Type }>, "type" | keyof AboutFlight>;

export class FlightTeller {
  readonly #limits: FlightLimits;
  readonly #emitter: Emitter<FlightEvent>;

  constructor(limits: FlightLimits, emitter: Emitter<FlightEvent>) {
    this.#limits = limits;
    this.#emitter = emitter;
  }

  about(key: string, flightId: string): AboutFlight {
    return { ...this.#aboutKey(key), flightId };
  }

  /** `flightId`: the name that the flight has elsewhere, if it is known. */
  tell<Type extends EventOfFlight["type"]>(
    type: Type,
    flight: Flight,
    details: Details<Type>,
    flightId: string = flight.localId,
  ): void {
    if (!this.#emitter.active) return;
    this.#emitter.emit({ type, ...this.about(flight.key, flightId), ...details } as unknown as EventOfFlight);
  }

  /** Tells that a call of `key` is refused, and throws. */
  refuse(key: string, why: RefusedWhy, error: Error): never {
    if (this.#emitter.active) this.#emitter.emit({ type: "call-refused", ...this.#aboutKey(key), why });
    throw error;
  }

  #aboutKey(key: string): Omit<AboutFlight, "flightId"> {
    const keyPrefix = this.#limits.keyPrefixOf(key) ?? "other";
    return this.#limits.exposeKeys ? { keyPrefix, key } : { keyPrefix };
  }
}
