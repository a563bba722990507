/**
 * A cache in front of a slow function: what is there is returned, what is not is loaded once for everybody who waits.
 * Trouble with it is a miss, never an error of a call. Not promised: that two processes see the same value at every
 * moment, nor that anything is kept for as long as its time to live.
 */
import { InvalidArgumentError, InvalidOptionError, type CallOptions, type Work } from "@skein/core";
import { checkCall, checkKey, ENTRY_SIGNING, FUSION } from "@skein/core/internal";
import type { EntrySigning, Fusion } from "@skein/cluster/internal";
import type { Entries } from "./entries.ts";
import { Freshness } from "./freshness.ts";
import { tellerOf, type Tell } from "./observer.ts";
import { cachePolicy, type CacheOptions, type CachePolicy } from "./options.ts";
import { RedisStore, type RedisClient } from "./redis-store.ts";
import { StoreEntries } from "./store-entries.ts";
import { MemoryStore, type CacheStore } from "./store.ts";

const MAX_TTL_MS = 2_147_483_647;

/** What one call asks for itself. */
export interface GetOptions extends CallOptions {
  /** How long the value is fresh if this call's loader makes it, ms, 1 to 2_147_483_647. Default: the cache's `ttlMs`. */
  ttlMs?: number;
}

export interface SetOptions {
  /** ms, 1 to 2_147_483_647. Default: the cache's `ttlMs`, or `negativeTtlMs` for a value that is negative. */
  ttlMs?: number;
}

export interface Cache {
  /**
   * The value of `key`: from its entry, or from `loader`, which runs once for all who wait, in this process or (over a
   * cluster) in another. A loader that fails fails the call, unless a value past its time may stand in.
   */
  get<T>(key: string, loader: Work<T>, options?: GetOptions): Promise<T>;
  /**
   * Writes a value. A load in progress is not written any more, and who reads afterwards does not see what was there
   * before. False when the value is not known to have been written: the store did not answer, or the value is too large
   * or cannot be encoded, and then nothing is kept.
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<boolean>;
  /** Removes the entry; the same holds for loads and readers. False when it is not known to be gone. */
  delete(key: string): Promise<boolean>;
  /** `get` in the shape that many code bases have; the time to live is in seconds. May be called on its own. */
  readonly fetchThroughCache: <T>(key: string, loader: Work<T>, ttlSec: number) => Promise<T>;
}

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function createCache(options: CacheOptions): Cache {
  return new ReadThroughCache(options);
}

class ReadThroughCache implements Cache {
  readonly #options: CacheOptions;
  readonly #freshness: Freshness;
  /** Whoever keeps a key first is where its entry is. */
  readonly #places: readonly Entries[];
  readonly #tell: Tell;
  /** What calls asked for that want another time to live. */
  readonly #ttls = new WeakMap<Work<unknown>, number>();

  readonly fetchThroughCache = <T>(key: string, loader: Work<T>, ttlSec: number): Promise<T> => {
    if (typeof ttlSec !== "number" || !(ttlSec > 0) || ttlSec * 1_000 > MAX_TTL_MS) {
      const rule = `must be a number of seconds above 0, at most ${MAX_TTL_MS / 1_000}`;
      return Promise.reject(new InvalidArgumentError("ttlSec", ttlSec, rule));
    }
    return this.get(key, loader, { ttlMs: Math.max(1, Math.round(ttlSec * 1_000)) });
  };

  constructor(options: CacheOptions) {
    const policy = cachePolicy(options);
    this.#options = options;
    this.#tell = tellerOf(options.observer, options.flights);
    this.#freshness = new Freshness(policy, policy.randomness);
    const fused = this.#fuse(policy);
    const others = fused === undefined || options.redis !== undefined ? this.#beside(policy) : undefined;
    this.#places = [fused, others].filter((place) => place !== undefined);
  }

  async get<T>(key: string, loader: Work<T>, options?: GetOptions): Promise<T> {
    if (typeof loader !== "function") throw new InvalidArgumentError("loader", loader, "must be a function");
    checkCall(key, loader, options);
    checkTtl(options?.ttlMs);
    const place = this.#placeOf(key);
    if (place === undefined) {
      this.#tell(key, { type: "bypass" });
      return this.#options.flights.do<T>(key, loader, callOptions(options));
    }
    const work: Work<unknown> = options?.ttlMs === undefined ? loader : this.#withTtl(loader, options.ttlMs);
    return place.get(key, work, callOptions(options)) as Promise<T>;
  }

  async set(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    checkKey(key);
    checkTtl(options?.ttlMs);
    const outcome = { kind: "value", value } as const;
    const terms = this.#freshness.terms(outcome, options?.ttlMs);
    // Negative values that are not to be kept.
    if (terms === undefined) return this.delete(key);
    return (await this.#placeOf(key, true)?.set(key, value, terms)) ?? false;
  }

  async delete(key: string): Promise<boolean> {
    checkKey(key);
    return (await this.#placeOf(key, true)?.delete(key)) ?? false;
  }

  /** `checked`: a key that nobody can keep is refused by whom it was for. */
  #placeOf(key: string, checked: boolean = false): Entries | undefined {
    return this.#places.find((place) => place.keeps(key)) ?? (checked ? this.#places.at(-1) : undefined);
  }

  /** A function of its own, since the same loader may come with other times to live. */
  #withTtl(loader: Work<unknown>, ttlMs: number): Work<unknown> {
    const work: Work<unknown> = (signal, flight) => loader(signal, flight);
    this.#ttls.set(work, ttlMs);
    return work;
  }

  /** Entries with the flights, unless they are to be somewhere else. */
  #fuse(policy: CachePolicy): Entries | undefined {
    const { redis, store, codec } = this.#options;
    const { fuse, isOwnRedis } = this.#fusion ?? {};
    if (fuse === undefined || store !== undefined) return undefined;
    if (redis !== undefined && isOwnRedis?.(redis) !== true) return undefined;
    if (codec !== undefined) {
      const rule = "must be left to the prefix of the flights, whose Redis keeps the entries";
      throw new InvalidOptionError("codec", codec, rule);
    }
    return fuse({
      staleMs: policy.staleMs,
      refreshBackoffMs: policy.refreshBackoffMs,
      maxEntryBytes: policy.maxEntryBytes,
      maxKnownEntries: policy.maxKnownEntries,
      schema: policy.schema,
      terms: (outcome, work) => this.#freshness.terms(outcome, this.#ttls.get(work)),
      isDue: (leftMs, workMs) => this.#freshness.isDue(leftMs, workMs),
      onEvent: this.#tell,
    });
  }

  /** Entries in a store of their own: of all keys, or of those that the flights do not coordinate. */
  #beside(policy: CachePolicy): Entries | undefined {
    const { flights, redis } = this.#options;
    const fusion = this.#fusion;
    if (redis !== undefined && !isRedisClient(redis)) {
      // Named by its address, it is only known where the flights are.
      if (fusion?.fuse !== undefined && fusion.isOwnRedis(redis)) return undefined;
      const rule = "must be an ioredis client, unless it names the Redis of the flights";
      throw new InvalidOptionError("redis", redis === null ? redis : "(not shown)", rule);
    }
    const store = redis === undefined ? this.#options.store : new RedisStore(redis, fusion?.nameOf);
    return new StoreEntries({
      flights,
      store: store ?? new MemoryStore({ clock: policy.clock }),
      policy,
      freshness: this.#freshness,
      ttlOf: (work) => this.#ttls.get(work),
      tell: this.#tell,
      signing: signingOf(flights, store),
    });
  }

  get #fusion(): Fusion | undefined {
    return Reflect.get(this.#options.flights, FUSION) as Fusion | undefined;
  }
}

function isRedisClient(redis: RedisClient | string | object): redis is RedisClient {
  return ["pipeline", "set", "del"].every(
    (method) => typeof Reflect.get(Object(redis), method) === "function",
  );
}

/** How the flights would have entries signed that others can write to as well; this process's own memory is its own. */
function signingOf(flights: object, store: CacheStore | undefined): EntrySigning | undefined {
  if (store === undefined || store instanceof MemoryStore) return undefined;
  return Reflect.get(flights, ENTRY_SIGNING) as EntrySigning | undefined;
}

function callOptions({ signal, timeoutMs }: GetOptions = {}): CallOptions | undefined {
  if (signal === undefined && timeoutMs === undefined) return undefined;
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

function checkTtl(ttlMs: unknown): void {
  if (ttlMs === undefined) return;
  if (typeof ttlMs === "number" && Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= MAX_TTL_MS) return;
  throw new InvalidArgumentError("ttlMs", ttlMs, `must be an integer from 1 to ${MAX_TTL_MS}`);
}
