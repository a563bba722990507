/**
 * `@skein/core`: one execution for all concurrent calls of a key, in one process.
 * It does not cache, does not reach other processes, and is not a lock. Its clock is monotonic.
 */
export { systemClock, type Clock, type Timer } from "./clock.ts";
export type { CallOptions, CloseOptions, Coalescer, Work, WrapOptions } from "./coalescer.ts";
export {
  ClosedError,
  FlightAgedError,
  FlightEvictedError,
  FlightTimeoutError,
  FlightUnwantedError,
  FlightsFullError,
  InvalidArgumentError,
  InvalidOptionError,
  ReentrantCallError,
  SkeinError,
  TooManyWaitersError,
  coreErrorCodes,
  type CoreErrorCode,
} from "./errors.ts";
export { chainedFetch, createChainedFetch, type ChainedFetchOptions } from "./chained-fetch.ts";
export {
  FLIGHT_CHAIN_HEADER,
  continueFlightChain,
  flightChain,
  insideFlightChain,
  type ChainedRequest,
} from "./flight-chain.ts";
export { flightKey } from "./flight-key.ts";
export type { FallbackReason, FlightContext, FlightResult, Role } from "./flight-result.ts";
export {
  FLIGHT_CHANNEL,
  type CallEnding,
  type FlightEvent,
  type Observer,
  type RefusedWhy,
} from "./observer.ts";
export type { OnFull, SingleflightOptions } from "./options.ts";
export { systemRandomness, type Randomness } from "./randomness.ts";
export { withTimeout } from "./signals.ts";
export { Singleflight } from "./singleflight.ts";
