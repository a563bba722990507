/** The options of `Singleflight`: meaning, unit, default, range, and the check that enforces them. */
import { disregard } from "./background.ts";
import { MAX_TIMER_MS, systemClock, type Clock } from "./clock.ts";
import { describe, InvalidOptionError, withoutText } from "./errors.ts";
import type { FlightEvent, Observer } from "./observer.ts";
import { systemRandomness, type Randomness } from "./randomness.ts";

/** What happens to a new flight when `maxEntries` are under way. */
export type OnFull = "evict-oldest" | "bypass" | "reject";

export interface SingleflightOptions<E = FlightEvent> {
  /**
   * Flights under way at once in this process. Integer, 1 to 10_000_000, default 10_000: far above what one process
   * executes at a time, low enough that a leak of never-ending work shows. What happens beyond it: `onFull`.
   */
  maxEntries?: number;
  /**
   * Age in ms at which a flight is replaced and its work aborted when the next caller arrives; its own callers still
   * get what it yields. Integer, 1 to 2_147_483_647, default 30_000. Set it above the slowest honest execution:
   * below that, slow work is started again and again.
   */
  maxAgeMs?: number;
  /**
   * At `maxEntries`: abort and replace the oldest flight, which still answers its callers ("evict-oldest", default),
   * run the new call uncoalesced ("bypass"), or reject it with `FlightsFullError` ("reject").
   */
  onFull?: OnFull;
  /** Callers of one flight. Integer, 1 to 2_147_483_647, default none. Beyond: `TooManyWaitersError`. */
  maxWaiters?: number;
  /** Default of `CallOptions.timeoutMs`, ms, 1 to 2_147_483_647, default none: callers wait for the work. */
  timeoutMs?: number;
  /**
   * Reject a call that the work of the same key makes to itself, instead of waiting for ever. Default true. Costs an
   * entry into `AsyncLocalStorage` per execution; on Node 22 its use alone slows every promise of the process. A cycle
   * through different callers is not seen. A call that the work starts and does not wait for is rejected like any other.
   */
  detectReentry?: boolean;
  /** Told of everything that happens. One or several; default none, which costs nothing. */
  observer?: Observer<E> | readonly Observer<E>[];
  /** Names the group of a key in events: a small closed set, never the key itself. Default: "other" for every key. */
  keyPrefixOf?: (key: string) => string | undefined;
  /** Put the user's keys into events. Default false: keys often are personal data. */
  exposeKeys?: boolean;
  /** For simulations. Default: the process's monotonic clock. */
  clock?: Clock;
  /** For simulations. Default: the operating system's randomness. */
  randomness?: Randomness;
}

/** `SingleflightOptions` with every default applied. */
export interface FlightLimits {
  readonly maxEntries: number;
  readonly maxAgeMs: number;
  readonly onFull: OnFull;
  readonly maxWaiters: number;
  readonly timeoutMs: number | undefined;
  readonly detectReentry: boolean;
  readonly keyPrefixOf: (key: string) => string | undefined;
  readonly exposeKeys: boolean;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** Takes what was given for an option, `undefined` for nothing. @throws InvalidOptionError */
type Check<T> = (option: string, given: unknown) => T;

const CHECKS: { readonly [Option in keyof FlightLimits]: Check<FlightLimits[Option]> } = {
  maxEntries: integer(10_000, 10_000_000),
  maxAgeMs: integer(30_000, MAX_TIMER_MS),
  onFull: oneOf("evict-oldest", "bypass", "reject"),
  maxWaiters: integer(Infinity, 2_147_483_647),
  timeoutMs: integer(undefined, MAX_TIMER_MS),
  detectReentry: boolean(true),
  keyPrefixOf: (option, given = NO_PREFIX) => harmless(callable(option, given)),
  exposeKeys: boolean(false),
  clock: withMethods(systemClock, "now", "setTimer", "nextPoll"),
  randomness: withMethods(systemRandomness, "fraction", "identifier"),
};
/** The one that is no limit. */
const OBSERVER = "observer";

const NO_PREFIX = (): undefined => undefined;

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function flightLimits<E>(options: SingleflightOptions<E>): FlightLimits {
  if (!isObject(options)) throw new InvalidOptionError("options", withoutText(options), "must be an object");
  const checks = Object.entries(CHECKS);
  const known = [...checks.map(([option]) => option), OBSERVER];
  for (const [option, value] of Object.entries(options)) {
    if (known.includes(option)) continue;
    const rule = `is not known; known are ${known.join(", ")}`;
    throw new InvalidOptionError(option, withoutText(value), rule);
  }
  checkObservers(options.observer);
  const limits = checks.map(([option, check]) => [option, check(option, Reflect.get(options, option))]);
  return Object.fromEntries(limits) as FlightLimits;
}

function integer<T>(fallback: T, max: number): Check<number | T> {
  return (option, given) => {
    if (given === undefined) return fallback;
    if (typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= max) return given;
    throw new InvalidOptionError(option, given, `must be an integer from 1 to ${max}`);
  };
}

function boolean(fallback: boolean): Check<boolean> {
  return (option, given = fallback) => {
    if (typeof given === "boolean") return given;
    throw new InvalidOptionError(option, given, "must be true or false");
  };
}

/** The first one is the default. */
function oneOf<T extends string>(fallback: T, ...others: readonly T[]): Check<T> {
  const allowed = [fallback, ...others];
  return (option, given = fallback) => {
    const found = allowed.find((item) => item === given);
    if (found !== undefined) return found;
    throw new InvalidOptionError(option, given, `must be one of ${allowed.map(describe).join(", ")}`);
  };
}

function callable(option: string, given: unknown): (key: string) => unknown {
  if (typeof given === "function") return given as (key: string) => unknown;
  throw new InvalidOptionError(option, withoutText(given), "must be a function");
}

function withMethods<T extends object>(fallback: T, ...names: readonly (keyof T & string)[]): Check<T> {
  return (option, given = fallback) => {
    if (isObject(given) && names.every((name) => hasMethod(given, name))) return given as T;
    throw new InvalidOptionError(option, given, `must be an object with the methods ${names.join(", ")}`);
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasMethod(value: object, name: string): boolean {
  return typeof Reflect.get(value, name) === "function";
}

/** Naming a key for observers must not be able to fail the call, nor to put anything but text into an event. */
function harmless(keyPrefixOf: (key: string) => unknown): (key: string) => string | undefined {
  return (key) => {
    try {
      const prefix = keyPrefixOf(key);
      disregard(prefix);
      return typeof prefix === "string" ? prefix : undefined;
    } catch {
      return undefined;
    }
  };
}

function checkObservers(given: unknown): void {
  if (given === undefined) return;
  for (const observer of Array.isArray(given) ? (given as unknown[]) : [given]) {
    if (isObject(observer) && hasMethod(observer, "onEvent")) continue;
    const rule = "must be an object with onEvent(event), or a list of them";
    throw new InvalidOptionError(OBSERVER, withoutText(observer), rule);
  }
}
