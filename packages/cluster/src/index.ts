/**
 * `@skein/cluster`: one execution for all concurrent calls of a key in a whole deployment, over one Redis.
 * It is not a lock and not a cache: duplicates are possible when processes, networks or servers fail, and outcomes are
 * kept only for followers that missed their wake-up. Each process trusts its own monotonic clock, and Redis its own.
 */
export { ClusterSingleflight } from "./cluster-singleflight.ts";
export type { Codec, CodecOption } from "./codec.ts";
export {
  CoordinationUnavailableError,
  FallbackLimitError,
  FlightAbandonedError,
  InvalidKeyError,
  LeaseLostError,
  SkeinClusterError,
  WaitTimeoutError,
  type ClusterErrorCode,
} from "./errors.ts";
export type { StructuralLogger } from "./logger.ts";
export type {
  ClusterEvent,
  FallbackRefusedWhy,
  RejectedWhy,
  ResignReason,
  TakeoverReason,
} from "./observer.ts";
export type { BreakerOptionsInput, ClusterOptions, PrefixOptions } from "./options.ts";
export { RemoteWorkError } from "./remote-work-error.ts";
export type { Secret } from "./signatures.ts";
export type { StandardSchema } from "./standard-schema.ts";
