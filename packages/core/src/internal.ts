/** For the other Skein packages. Not public: anything here may change in any release. */
export { wasRefused } from "./ancestry.ts";
export { background, disregard } from "./background.ts";
export { MAX_TIMER_MS } from "./clock.ts";
export { checkCall, checkKey, wrapCoalesced } from "./coalescer.ts";
export { describe, withoutText } from "./errors.ts";
export { Flight } from "./flight.ts";
export { DEFAULT_DRAIN_MS, FlightTable } from "./flight-table.ts";
export { ENTRY_SIGNING, FUSION, KEY_PREFIX_OF, offerKeyPrefix } from "./fusion.ts";
export { evacuateLocally, localPilot } from "./local-pilot.ts";
export { Emitter, type AboutFlight } from "./observer.ts";
export { flightLimits, type FlightLimits } from "./options.ts";
export type { Pilot, Story } from "./pilot.ts";
export { isTraceparent, traceparentOf } from "./traceparent.ts";
export { Waiter } from "./waiter.ts";
