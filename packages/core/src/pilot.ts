/**
 * Who gets a flight its outcome: by running the work here, or by asking the fleet first. And the story of how it came
 * about, which callers may ask for.
 */
import type { FallbackReason, Role } from "./flight-result.ts";
import type { Flight } from "./flight.ts";

/** How a flight gets its outcome. Every method is called synchronously; none may throw. */
export interface Pilot {
  /** Callers that can neither leave nor ask for the story may share one promise. */
  readonly sharesPromise: boolean;
  /** Called once, before the other two, inside the `do()` that opened the flight. */
  launch(flight: Flight): void;
  /** The last caller left; the flight is no longer in the table. */
  onUnwanted(flight: Flight): void;
  /** The flight lost its place in the table but keeps its callers; `reason` is what its work is to be aborted with. */
  onReplaced(flight: Flight, reason: Error): void;
}

/** How an outcome came about; told to callers that asked for the story. */
export interface Story {
  readonly role: Role;
  readonly flightId: string;
  readonly takeovers: number;
  readonly fallbackReason?: FallbackReason | null | undefined;
  /** The span of the execution in another process, as that process told. */
  readonly traceparent?: string | undefined;
}
