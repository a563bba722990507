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

const KNOWN: ReadonlySet<string> = new Set([
  "maxEntries",
  "maxAgeMs",
  "onFull",
  "maxWaiters",
  "timeoutMs",
  "detectReentry",
  "observer",
  "keyPrefixOf",
  "exposeKeys",
  "clock",
  "randomness",
]);
const ON_FULL: readonly OnFull[] = ["evict-oldest", "bypass", "reject"];

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function flightLimits<E>(options: SingleflightOptions<E>): FlightLimits {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", withoutText(options), "must be an object");
  }
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw new InvalidOptionError(
        name,
        withoutText(Reflect.get(options, name)),
        `is not known; known are ${[...KNOWN].join(", ")}`,
      );
    }
  }
  const {
    maxEntries = 10_000,
    maxAgeMs = 30_000,
    onFull = "evict-oldest",
    maxWaiters,
    timeoutMs,
    detectReentry = true,
    observer,
    keyPrefixOf = () => undefined,
    exposeKeys = false,
    clock = systemClock,
    randomness = systemRandomness,
  } = options;
  checkObservers(observer);
  return {
    maxEntries: integer("maxEntries", maxEntries, 10_000_000),
    maxAgeMs: integer("maxAgeMs", maxAgeMs, MAX_TIMER_MS),
    onFull: oneOf("onFull", onFull, ON_FULL),
    maxWaiters: maxWaiters === undefined ? Infinity : integer("maxWaiters", maxWaiters, 2_147_483_647),
    timeoutMs: timeoutMs === undefined ? undefined : integer("timeoutMs", timeoutMs, MAX_TIMER_MS),
    detectReentry: boolean("detectReentry", detectReentry),
    keyPrefixOf: harmless(callable("keyPrefixOf", keyPrefixOf)),
    exposeKeys: boolean("exposeKeys", exposeKeys),
    clock: withMethods("clock", clock, ["now", "setTimer", "nextPoll"]),
    randomness: withMethods("randomness", randomness, ["fraction", "identifier"]),
  };
}

function integer(option: string, value: unknown, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new InvalidOptionError(option, value, `must be an integer from 1 to ${max}`);
}

function boolean(option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new InvalidOptionError(option, value, "must be true or false");
}

function oneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  throw new InvalidOptionError(
    option,
    value,
    `must be one of ${allowed.map((item) => describe(item)).join(", ")}`,
  );
}

function callable<T>(option: string, value: T): T {
  if (typeof value === "function") return value;
  throw new InvalidOptionError(option, withoutText(value), "must be a function");
}

function withMethods<T extends object>(option: string, value: T, names: readonly (keyof T & string)[]): T {
  const complete = typeof value === "object" && value !== null;
  if (complete && names.every((name) => typeof value[name] === "function")) return value;
  throw new InvalidOptionError(option, value, `must be an object with the methods ${names.join(", ")}`);
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

function checkObservers(value: unknown): void {
  if (value === undefined) return;
  for (const observer of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const onEvent: unknown =
      typeof observer === "object" && observer !== null ? Reflect.get(observer, "onEvent") : undefined;
    if (typeof onEvent !== "function") {
      throw new InvalidOptionError(
        "observer",
        withoutText(observer),
        "must be an object with onEvent(event), or a list of them",
      );
    }
  }
}
