/**
 * What the cluster package throws or aborts with, on top of core's. Callers branch on `code`; `docs/ERRORS.md` says who
 * sees each, why, and what to do.
 */
import { SkeinError, type FallbackReason } from "@skein/core";

/** The closed set of codes of this package. */
export const clusterErrorCodes = [
  "ERR_SKEIN_FLIGHT_ABANDONED",
  "ERR_SKEIN_UNAVAILABLE",
  "ERR_SKEIN_FALLBACK_LIMIT",
  "ERR_SKEIN_WAIT_TIMEOUT",
  "ERR_SKEIN_LEASE_LOST",
  "ERR_SKEIN_INVALID_KEY",
  "ERR_SKEIN_REMOTE_WORK",
] as const;
export type ClusterErrorCode = (typeof clusterErrorCodes)[number];

/** The base of every error of this package. */
export class SkeinClusterError extends SkeinError {
  override readonly name: string = "SkeinClusterError";
}

/** The work of this key lost its leader more than `maxTakeovers` times; it is left alone for a while. */
export class FlightAbandonedError extends SkeinClusterError {
  override readonly name = "FlightAbandonedError";
  readonly takeovers: number;
  /** When the key may be tried again; `forget(key)` lifts it at once. */
  readonly retryAfterMs: number;

  constructor(takeovers: number, retryAfterMs: number) {
    super(
      "ERR_SKEIN_FLIGHT_ABANDONED",
      `the key lost ${takeovers} leaders; it is retried in ${retryAfterMs} ms`,
    );
    this.takeovers = takeovers;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Coordination is unavailable and `onUnavailable` is "error". */
export class CoordinationUnavailableError extends SkeinClusterError {
  override readonly name = "CoordinationUnavailableError";
  readonly reason: FallbackReason;

  constructor(reason: FallbackReason) {
    super("ERR_SKEIN_UNAVAILABLE", `coordination is unavailable (${reason}) and onUnavailable is "error"`);
    this.reason = reason;
  }
}

/** `maxFallbackConcurrency` uncoordinated executions are under way. */
export class FallbackLimitError extends SkeinClusterError {
  override readonly name = "FallbackLimitError";
  readonly maxFallbackConcurrency: number;

  constructor(maxFallbackConcurrency: number) {
    super("ERR_SKEIN_FALLBACK_LIMIT", `${maxFallbackConcurrency} uncoordinated executions are under way`);
    this.maxFallbackConcurrency = maxFallbackConcurrency;
  }
}

/** No outcome within `waitTimeoutMs` of one leader, and `onWaitTimeout` is "error". */
export class WaitTimeoutError extends SkeinClusterError {
  override readonly name = "WaitTimeoutError";
  readonly waitTimeoutMs: number;

  constructor(waitTimeoutMs: number) {
    super("ERR_SKEIN_WAIT_TIMEOUT", `no outcome from the leader within ${waitTimeoutMs} ms (waitTimeoutMs)`);
    this.waitTimeoutMs = waitTimeoutMs;
  }
}

/** Reason of the `leaseLost` signal: this process may no longer be the only one to run the work. */
export class LeaseLostError extends SkeinClusterError {
  override readonly name = "LeaseLostError";
  readonly why: "expired" | "fenced" | "forgotten";

  constructor(why: "expired" | "fenced" | "forgotten") {
    super("ERR_SKEIN_LEASE_LOST", `leadership was lost (${why})`);
    this.why = why;
  }
}

/** The key is empty, or longer than `maxKeyBytes`. */
export class InvalidKeyError extends SkeinClusterError {
  override readonly name = "InvalidKeyError";

  constructor(bytes: number, maxKeyBytes: number) {
    super(
      "ERR_SKEIN_INVALID_KEY",
      `the key has ${bytes} bytes; it must have 1 to ${maxKeyBytes} (maxKeyBytes)`,
    );
  }
}
