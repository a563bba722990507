/**
 * A cache in front of a slow function: what is there is returned, what is not is loaded once for everybody who waits.
 * Trouble with it is a miss, never an error of a call. Not promised: that two processes see the same value at every
 * moment, nor that anything is kept for as long as its time to live.
 */
import { InvalidArgumentError, InvalidOptionError, type CallOptions, type Work } from "@skein/core";
import { checkCall, ENTRY_SIGNING, FUSION } from "@skein/core/internal";
import type { EntryRules, EntrySigning } from "@skein/cluster/internal";
import type { Entries } from "./entries.ts";
import { Freshness } from "./freshness.ts";
import { tellerOf, type Tell } from "./observer.ts";
import { cachePolicy, type CacheOptions } from "./options.ts";
import { RedisStore } from "./redis-store.ts";
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
  readonly #entries: Entries;
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
    const { flights, redis } = options;
    const store = redis === undefined ? options.store : new RedisStore(redis);
    const fused = store === undefined ? this.#fuse(policy) : undefined;
    if (fused !== undefined && options.codec !== undefined) {
      const rule = "must be left to the prefix of the flights, whose Redis keeps the entries";
      throw new InvalidOptionError("codec", options.codec, rule);
    }
    this.#entries =
      fused ??
      new StoreEntries({
        flights,
        store: store ?? new MemoryStore({ clock: policy.clock }),
        policy,
        freshness: this.#freshness,
        ttlOf: (work) => this.#ttls.get(work),
        tell: this.#tell,
        signing: signingOf(flights, store),
      });
  }

  async get<T>(key: string, loader: Work<T>, options?: GetOptions): Promise<T> {
    if (typeof loader !== "function") throw new InvalidArgumentError("loader", loader, "must be a function");
    checkCall(key, loader, options);
    checkTtl(options?.ttlMs);
    const { flights } = this.#options;
    if (!this.#entries.keeps(key)) {
      this.#tell(key, { type: "bypass" });
      return flights.do<T>(key, loader, callOptions(options));
    }
    const work: Work<unknown> = options?.ttlMs === undefined ? loader : this.#withTtl(loader, options.ttlMs);
    return this.#entries.get(key, work, callOptions(options)) as Promise<T>;
  }

  async set(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    checkTtl(options?.ttlMs);
    const outcome = { kind: "value", value } as const;
    const terms = this.#freshness.terms(outcome, options?.ttlMs);
    // Negative values that are not to be kept.
    if (terms === undefined) return this.#entries.delete(key);
    return this.#entries.set(key, value, terms);
  }

  delete(key: string): Promise<boolean> {
    return this.#entries.delete(key);
  }

  /** A function of its own, since the same loader may come with other times to live. */
  #withTtl(loader: Work<unknown>, ttlMs: number): Work<unknown> {
    const work: Work<unknown> = (signal, flight) => loader(signal, flight);
    this.#ttls.set(work, ttlMs);
    return work;
  }

  #fuse(policy: ReturnType<typeof cachePolicy>): Entries | undefined {
    const { flights } = this.#options;
    const fuse: unknown = Reflect.get(flights, FUSION);
    if (typeof fuse !== "function") return undefined;
    const rules: EntryRules = {
      staleMs: policy.staleMs,
      refreshBackoffMs: policy.refreshBackoffMs,
      maxEntryBytes: policy.maxEntryBytes,
      maxKnownEntries: policy.maxKnownEntries,
      schema: policy.schema,
      terms: (outcome, work) => this.#freshness.terms(outcome, this.#ttls.get(work)),
      isDue: (leftMs, workMs) => this.#freshness.isDue(leftMs, workMs),
      onEvent: this.#tell,
    };
    return (fuse as (rules: EntryRules) => Entries)(rules);
  }
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
