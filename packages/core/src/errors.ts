/**
 * Everything core throws or aborts with. Callers branch on `code`; messages are for people and may change.
 * An error thrown by the work itself is never wrapped here: it reaches the callers of its flight untouched.
 */

/** The closed set of codes of this package; `docs/ERRORS.md` says who sees each, why, and what to do. */
export const coreErrorCodes = [
  "ERR_SKEIN_INVALID_OPTION",
  "ERR_SKEIN_INVALID_ARGUMENT",
  "ERR_SKEIN_TIMEOUT",
  "ERR_SKEIN_FULL",
  "ERR_SKEIN_TOO_MANY_WAITERS",
  "ERR_SKEIN_REENTRANT",
  "ERR_SKEIN_CLOSED",
  "ERR_SKEIN_AGED",
  "ERR_SKEIN_EVICTED",
  "ERR_SKEIN_UNWANTED",
] as const;

export type CoreErrorCode = (typeof coreErrorCodes)[number];

/** The base of every error that Skein itself makes. */
export class SkeinError extends Error {
  override readonly name: string = "SkeinError";
  /** `ERR_SKEIN_…`; stable across versions. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A constructor option is out of its range. Thrown synchronously, naming option, value and rule. */
export class InvalidOptionError extends SkeinError {
  override readonly name = "InvalidOptionError";
  readonly option: string;

  constructor(option: string, value: unknown, rule: string, options?: ErrorOptions) {
    super("ERR_SKEIN_INVALID_OPTION", `option ${option} is ${describe(value)}: ${rule}`, options);
    this.option = option;
  }
}

/** An argument of a call is unusable. The call rejects; nothing was started. */
export class InvalidArgumentError extends SkeinError {
  override readonly name = "InvalidArgumentError";
  readonly argument: string;

  constructor(argument: string, value: unknown, rule: string) {
    super("ERR_SKEIN_INVALID_ARGUMENT", `argument ${argument} is ${describe(value)}: ${rule}`);
    this.argument = argument;
  }
}

/** This caller's `timeoutMs` passed (or that of `withTimeout`). The flight goes on for its other callers. */
export class FlightTimeoutError extends SkeinError {
  override readonly name = "FlightTimeoutError";
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super("ERR_SKEIN_TIMEOUT", `no outcome within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** `maxEntries` flights are under way and `onFull` is "reject". */
export class FlightsFullError extends SkeinError {
  override readonly name = "FlightsFullError";

  constructor(maxEntries: number) {
    super("ERR_SKEIN_FULL", `${maxEntries} flights are under way (maxEntries) and onFull is "reject"`);
  }
}

/** The flight already has `maxWaiters` callers. */
export class TooManyWaitersError extends SkeinError {
  override readonly name = "TooManyWaitersError";

  constructor(maxWaiters: number) {
    super("ERR_SKEIN_TOO_MANY_WAITERS", `the flight already has ${maxWaiters} callers (maxWaiters)`);
  }
}

/** The work of a key asked for its own key and would have waited for itself. */
export class ReentrantCallError extends SkeinError {
  override readonly name = "ReentrantCallError";

  constructor() {
    super("ERR_SKEIN_REENTRANT", "the work of this key asked for its own key, and would wait for itself");
  }
}

/** The coalescer is closed: a new call was refused, a waiting caller let go, or the work aborted. */
export class ClosedError extends SkeinError {
  override readonly name = "ClosedError";

  constructor() {
    super("ERR_SKEIN_CLOSED", "the coalescer is closed");
  }
}

/** Abort reason: the flight was older than `maxAgeMs` and has been replaced. Its callers still get what it yields. */
export class FlightAgedError extends SkeinError {
  override readonly name = "FlightAgedError";

  constructor(maxAgeMs: number) {
    super("ERR_SKEIN_AGED", `the flight is older than ${maxAgeMs} ms (maxAgeMs)`);
  }
}

/** Abort reason: the flight was the oldest when `maxEntries` was reached. Its callers still get what it yields. */
export class FlightEvictedError extends SkeinError {
  override readonly name = "FlightEvictedError";

  constructor(maxEntries: number) {
    super("ERR_SKEIN_EVICTED", `the flight was evicted: ${maxEntries} flights are under way (maxEntries)`);
  }
}

/** Abort reason: every caller has left, nobody wants the outcome any more. */
export class FlightUnwantedError extends SkeinError {
  override readonly name = "FlightUnwantedError";

  constructor() {
    super("ERR_SKEIN_UNWANTED", "every caller of the flight has left");
  }
}

const NOT_SHOWN = "(not shown)";

/** A value that may be a secret, as an error may show it: nobody knows what an unknown option was meant to hold. */
export function withoutText(value: unknown): unknown {
  return typeof value === "string" || typeof value === "symbol" ? NOT_SHOWN : value;
}

/** A value as an error message shows it: short, one line, never the contents of an object or the password of a URL. */
export function describe(value: unknown): string {
  if (typeof value === "string" && /:\/\/[^/]*@/.test(value)) return "a URL with credentials";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
