/** The options of `Singleflight`: meaning, unit, default, range, and the check that enforces them. */
import { disregard } from "./background.ts";
import { systemClock, type Clock } from "./clock.ts";
import { describe, InvalidOptionError, withoutText } from "./errors.ts";
import type { FlightEvent, Observer } from "./observer.ts";
import { systemRandomness, type Randomness } from "./randomness.ts";
import { A_FUNCTION, A_TIMER_MS, AN_OBJECT, integer, objectWith, oneOf, type Rule } from "./rule.ts";

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

/** The ways to be at `maxEntries`; the first is the default. */
const ON_FULL = ["evict-oldest", "bypass", "reject"] as const;
const TRUE_OR_FALSE = oneOf("must be true or false", true, false);
const NO_PREFIX = (): undefined => undefined;
const OBSERVERS: Rule = {
  says: "must be an object with onEvent(event), or a list of them",
  // A hole in a list is no observer, and is skipped by what does not make an undefined of it.
  holds: (given) =>
    Array.from<unknown>(Array.isArray(given) ? given : [given]).every(objectWith("onEvent").holds),
};
/** What no text can be right for: one that was given by mistake may be a secret. */
const WITHOUT_TEXT: ReadonlySet<Rule> = new Set([A_FUNCTION, OBSERVERS]);

/** Of every option: its default, and what it has to be if it is given. */
const OPTIONS: {
  readonly [Option in keyof FlightLimits]: readonly [fallback: FlightLimits[Option], rule: Rule];
} & { readonly observer: readonly [undefined, Rule] } = {
  maxEntries: [10_000, integer(1, 10_000_000)],
  maxAgeMs: [30_000, A_TIMER_MS],
  onFull: [ON_FULL[0], oneOf(`must be one of ${ON_FULL.map(describe).join(", ")}`, ...ON_FULL)],
  maxWaiters: [Infinity, integer(1, 2_147_483_647)],
  timeoutMs: [undefined, A_TIMER_MS],
  detectReentry: [true, TRUE_OR_FALSE],
  keyPrefixOf: [NO_PREFIX, A_FUNCTION],
  exposeKeys: [false, TRUE_OR_FALSE],
  clock: [systemClock, objectWith("now", "setTimer", "nextPoll")],
  randomness: [systemRandomness, objectWith("fraction", "identifier")],
  observer: [undefined, OBSERVERS],
};

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function flightLimits<E>(options: SingleflightOptions<E>): FlightLimits {
  if (!AN_OBJECT.holds(options)) {
    throw new InvalidOptionError("options", withoutText(options), AN_OBJECT.says);
  }
  for (const [option, value] of Object.entries(options)) {
    if (Object.hasOwn(OPTIONS, option)) continue;
    const known = Object.keys(OPTIONS).join(", ");
    throw new InvalidOptionError(option, withoutText(value), `is not known; known are ${known}`);
  }
  const limits = Object.entries(OPTIONS).map(([option, [fallback, rule]]) => {
    const given: unknown = Reflect.get(options, option);
    if (given === undefined) return [option, fallback];
    if (rule.holds(given)) return [option, given];
    throw new InvalidOptionError(option, WITHOUT_TEXT.has(rule) ? withoutText(given) : given, rule.says);
  });
  const { keyPrefixOf, ...others } = Object.fromEntries(limits) as FlightLimits;
  return { ...others, keyPrefixOf: harmless(keyPrefixOf) };
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
