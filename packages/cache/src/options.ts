/** The options of a cache: meaning, unit, default, range, and the check that enforces them. */
import {
  InvalidOptionError,
  systemClock,
  systemRandomness,
  type Clock,
  type Coalescer,
  type Observer,
  type Randomness,
} from "@skein/core";
import { withoutText } from "@skein/core/internal";
import type { CacheEvent } from "./observer.ts";
import type { RedisClient } from "./redis-store.ts";
import type { CacheStore } from "./store.ts";

const MAX_MS = 2_147_483_647;
const MAX_ERROR_TTL_MS = 2_000;

/** Turns values into bytes and back; neither may be asynchronous. */
export interface CacheCodec {
  /** Never gets `undefined` or `null`. Throws for what it cannot carry. */
  encode(value: unknown): Uint8Array | string;
  decode(bytes: Uint8Array): unknown;
}

/** The part of the Standard Schema interface (version 1) that is used. */
export interface CacheSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaVerdict | Promise<SchemaVerdict>;
  };
}

type SchemaVerdict =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] };

export interface CacheOptions {
  /**
   * Coalesces the loads. Over a `ClusterSingleflight`, entries are kept in its Redis with the flights, for the prefixes
   * that it coordinates; over a `Singleflight`, in this process, unless `redis` or `store` says otherwise.
   */
  flights: Coalescer;
  /**
   * Keep the entries in this Redis: an ioredis client, which stays yours. If it is the one of the flights, by address or by
   * the very client, they are kept with these, as without this option, and those of keys that are not coordinated beside them;
   * then a URL or ioredis options will do, too, for the former. Any other is weaker, see the README, and its entries are signed
   * if the flights have `secrets`. Not with `store`.
   */
  redis?: RedisClient | string | object;
  /** Keep the entries in a store of your own instead. Weaker, see the README. Signed if the flights have `secrets`. Not with `redis`. */
  store?: CacheStore;
  /**
   * How long `redis` or `store` is waited for, each time, ms, 1 to 60_000, default 250: longer is no answer, and so a miss, or
   * a write that failed (which may take effect later). With the flights' Redis their `redisTimeoutMs` is what counts.
   */
  storeTimeoutMs?: number;
  /** How long a value is fresh, ms, 1 to 2_147_483_647; no default: only you know. A call may ask for another. */
  ttlMs: number;
  /** The same for values that `isNegative`, ms, 0 to 2_147_483_647, default 0: they are not kept. */
  negativeTtlMs?: number;
  /** Which values say that there is none. Default: `null` and `undefined`. */
  isNegative?: (value: unknown) => boolean;
  /** How long an error keeps the work from being tried again, ms, 0 to 2_000, default 0: not at all. Not while an older value is kept. */
  errorTtlMs?: number;
  /** How long past its time a value is still given at once, while one process of the fleet renews it, ms, 0 to 2_147_483_647, default 0. */
  staleMs?: number;
  /** How long past its time a value is given to callers whose load has failed, ms, 0 to 2_147_483_647, default 0. */
  staleIfErrorMs?: number;
  /** Pause after a renewal that failed, ms, 1 to 60_000, default 1_000; doubled by each further failure, 32 times at most. */
  refreshBackoffMs?: number;
  /** The random part by which a time to live is shortened, 0 to 0.5, default 0.1, lest what was loaded together ends together. */
  ttlJitter?: number;
  /** XFetch's beta, 0 to 10, default 0: off. At 1 an entry is renewed about as long before its end as the work takes. */
  earlyRefresh?: number;
  /** Larger entries are not kept, bytes, 1 to 67_108_864, default 1_048_576; with the flights also limited by their `maxOutcomeBytes`. */
  maxEntryBytes?: number;
  /** Entries that this process remembers to be unexpired and reads with a plain GET, 0 to 10_000_000, default 10_000; only with the flights' Redis. */
  maxKnownEntries?: number;
  /** Checked on every value that comes from an entry; what does not satisfy it is a miss. What it makes of a value is what callers get. */
  schema?: CacheSchema;
  /** Default JSON. Not with the flights' Redis, where the codec of the prefix is used. */
  codec?: CacheCodec;
  /** Told of everything that happens. One or several; default none. */
  observer?: Observer<CacheEvent> | readonly Observer<CacheEvent>[];
  /** For simulations. Default: the process's monotonic clock. */
  clock?: Clock;
  /** For simulations. Default: the operating system's randomness. */
  randomness?: Randomness;
}

/** `CacheOptions` with every default applied. */
export interface CachePolicy {
  readonly storeTimeoutMs: number;
  readonly ttlMs: number;
  readonly negativeTtlMs: number;
  readonly isNegative: (value: unknown) => boolean;
  readonly errorTtlMs: number;
  readonly staleMs: number;
  readonly staleIfErrorMs: number;
  readonly refreshBackoffMs: number;
  readonly ttlJitter: number;
  readonly earlyRefresh: number;
  readonly maxEntryBytes: number;
  readonly maxKnownEntries: number;
  readonly schema: CacheSchema | undefined;
  readonly codec: CacheCodec;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

const KNOWN: ReadonlySet<string> = new Set([
  "flights",
  "redis",
  "store",
  "storeTimeoutMs",
  "ttlMs",
  "negativeTtlMs",
  "isNegative",
  "errorTtlMs",
  "staleMs",
  "staleIfErrorMs",
  "refreshBackoffMs",
  "ttlJitter",
  "earlyRefresh",
  "maxEntryBytes",
  "maxKnownEntries",
  "schema",
  "codec",
  "observer",
  "clock",
  "randomness",
]);

const json: CacheCodec = {
  encode: (value) => {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError("JSON has no form for this value");
    return text;
  },
  decode: (bytes): unknown => JSON.parse(Buffer.from(bytes).toString()),
};

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function cachePolicy(options: CacheOptions): CachePolicy {
  if (typeof options !== "object" || options === null) {
    throw new InvalidOptionError("options", withoutText(options), "must be an object");
  }
  for (const name of Object.keys(options)) {
    if (KNOWN.has(name)) continue;
    throw new InvalidOptionError(name, withoutText(Reflect.get(options, name)), "is not known");
  }
  const { flights, redis, store, isNegative = (value) => value === null || value === undefined } = options;
  const { schema, codec = json, clock = systemClock, randomness = systemRandomness } = options;
  withMethods("flights", flights, ["do", "forget"]);
  if (store !== undefined) withMethods("store", store, ["get", "set", "delete"]);
  if (redis !== undefined && store !== undefined) {
    throw new InvalidOptionError("store", store, "cannot be given together with redis");
  }
  if (typeof isNegative !== "function") {
    throw new InvalidOptionError("isNegative", withoutText(isNegative), "must be a function");
  }
  if (schema !== undefined && !isSchema(schema)) {
    throw new InvalidOptionError("schema", withoutText(schema), "must be a Standard Schema");
  }
  withMethods("codec", codec, ["encode", "decode"]);
  const { observer = [] } = options;
  for (const each of Array.isArray(observer) ? (observer as unknown[]) : [observer]) {
    withMethods("observer", Object(each) as object, ["onEvent"]);
  }
  const {
    storeTimeoutMs = 250,
    negativeTtlMs = 0,
    errorTtlMs = 0,
    staleMs = 0,
    staleIfErrorMs = 0,
    refreshBackoffMs = 1_000,
    ttlJitter = 0.1,
    earlyRefresh = 0,
    maxEntryBytes = 1_048_576,
    maxKnownEntries = 10_000,
  } = options;
  return {
    storeTimeoutMs: integer("storeTimeoutMs", storeTimeoutMs, 1, 60_000),
    ttlMs: integer("ttlMs", options.ttlMs, 1, MAX_MS),
    negativeTtlMs: integer("negativeTtlMs", negativeTtlMs, 0, MAX_MS),
    isNegative,
    errorTtlMs: integer("errorTtlMs", errorTtlMs, 0, MAX_ERROR_TTL_MS),
    staleMs: integer("staleMs", staleMs, 0, MAX_MS),
    staleIfErrorMs: integer("staleIfErrorMs", staleIfErrorMs, 0, MAX_MS),
    refreshBackoffMs: integer("refreshBackoffMs", refreshBackoffMs, 1, 60_000),
    ttlJitter: fraction("ttlJitter", ttlJitter, 0.5),
    earlyRefresh: fraction("earlyRefresh", earlyRefresh, 10),
    maxEntryBytes: integer("maxEntryBytes", maxEntryBytes, 1, 67_108_864),
    maxKnownEntries: integer("maxKnownEntries", maxKnownEntries, 0, 10_000_000),
    schema,
    codec,
    clock: withMethods("clock", clock, ["now", "setTimer", "nextPoll"]),
    randomness: withMethods("randomness", randomness, ["fraction", "identifier"]),
  };
}

function isSchema(value: unknown): boolean {
  const standard: unknown = Reflect.get(Object(value), "~standard");
  return typeof Reflect.get(Object(standard), "validate") === "function";
}

function integer(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidOptionError(option, value, `must be an integer from ${min} to ${max}`);
}

function fraction(option: string, value: unknown, max: number): number {
  if (typeof value === "number" && value >= 0 && value <= max) return value;
  throw new InvalidOptionError(option, value, `must be a number from 0 to ${max}`);
}

function withMethods<T extends object>(option: string, value: T, names: readonly string[]): T {
  const methods = typeof value === "object" && value !== null ? names : ["-"];
  if (methods.every((name) => typeof Reflect.get(Object(value), name) === "function")) return value;
  throw new InvalidOptionError(
    option,
    withoutText(value),
    `must be an object with the methods ${names.join(", ")}`,
  );
}
