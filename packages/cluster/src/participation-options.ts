/** What a process brings to its part in a flight, whatever kind of part that is. */
import type { Flight, Pilot } from "@skein/core/internal";
import type { EntryPart } from "./entry/entry-part.ts";
import type { FallbackLimit } from "./fallback.ts";
import type { Fleet } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import type { Policy } from "./policy.ts";

export interface ParticipationOptions {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly pilot: Pilot;
  readonly flight: Flight;
  readonly name: FlightName;
  readonly fallbackLimit: FallbackLimit;
  /** A cache takes part; it may know the value without any work. */
  readonly entry?: EntryPart | undefined;
  readonly onOver: () => void;
}
