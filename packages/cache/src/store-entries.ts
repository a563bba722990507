/**
 * Entries in a store that the flights know nothing of: read, coalesce with a second look inside, write. Weaker than
 * entries kept with the flights: one round trip more, a window between the look and the election (which the second look
 * narrows), and loads that are under way in other processes are not kept from being written by a `set` or `delete`.
 */
import { ClosedError, FlightTimeoutError, type CallOptions, type Coalescer, type Work } from "@skein/core";
import type { EntrySigning } from "@skein/cluster/internal";
import { wasRefused } from "@skein/core/internal";
import type { Entries } from "./entries.ts";
import type { Entry, KeptOutcome } from "./entry.ts";
import type { Freshness, Terms } from "./freshness.ts";
import type { Tell } from "./observer.ts";
import type { CachePolicy } from "./options.ts";
import { Renewals } from "./renewals.ts";
import { SealedEntries, type Kept } from "./sealed-entries.ts";
import type { CacheStore, StoredEntry } from "./store.ts";

/** After a read or write in vain; then one call after the other finds out whether the store is back. */
const REST_MS = 1_000;

export interface StoreEntriesOptions {
  readonly flights: Coalescer;
  readonly store: CacheStore;
  readonly policy: CachePolicy;
  readonly freshness: Freshness;
  readonly ttlOf: (work: Work<unknown>) => number | undefined;
  readonly tell: Tell;
  /** Entries are signed, and believed only if they are. */
  readonly signing: EntrySigning | undefined;
}

/** What a store said of a key: nothing, if it did not answer. */
type Look = { readonly answered: true; readonly found: Found | undefined } | { readonly answered: false };

interface Found {
  readonly entry: Entry;
  /** Until it is past its time; negative afterwards. */
  readonly leftMs: number;
}

/** A load under way; a write to its key makes it void. */
interface Load {
  void: boolean;
}

export class StoreEntries implements Entries {
  readonly #options: StoreEntriesOptions;
  /** Reads that callers of the same moment share. */
  readonly #looks = new Map<string, Promise<Look>>();
  readonly #loads = new Map<string, Set<Load>>();
  readonly #renewals: Renewals;
  readonly #sealed: SealedEntries;
  /** Until then calls do without the store, since it has just let one of them wait in vain. */
  #restsUntil = -Infinity;

  constructor(options: StoreEntriesOptions) {
    this.#options = options;
    this.#renewals = new Renewals(options.policy);
    this.#sealed = new SealedEntries(options.policy, options.signing);
  }

  keeps(): boolean {
    return true;
  }

  async get(key: string, work: Work<unknown>, options: CallOptions | undefined): Promise<unknown> {
    const { flights, policy, freshness, tell } = this.#options;
    options?.signal?.throwIfAborted();
    const look = await untilAborted(this.#look(key), options?.signal);
    const found = look.answered ? look.found : undefined;
    if (found !== undefined && found.leftMs + policy.staleMs > 0) {
      const fresh = found.leftMs > 0;
      tell(key, { type: "hit", how: fresh ? "fresh" : "stale", kind: found.entry.outcome.kind });
      if (!fresh) this.#renew(key, work, found, "stale");
      else if (freshness.isDue(found.leftMs, found.entry.workMs)) this.#renew(key, work, found, "early");
      return valueOf(found.entry.outcome);
    }
    tell(key, { type: "miss", unexpected: false });
    try {
      // A store that has cost this call its time is not waited for again: neither looked into nor written to.
      return await flights.do(key, look.answered ? this.#loading(key, work, undefined) : work, options);
    } catch (error) {
      options?.signal?.throwIfAborted();
      // A caller that would not wait longer has not seen the load fail.
      if (error instanceof FlightTimeoutError || error instanceof ClosedError) throw error;
      if (found?.entry.outcome.kind !== "value" || found.leftMs + policy.staleIfErrorMs <= 0) throw error;
      tell(key, { type: "hit", how: "error", kind: "value" });
      return found.entry.outcome.value;
    }
  }

  async set(key: string, value: unknown, terms: Terms): Promise<boolean> {
    const { store } = this.#options;
    const asked = this.#sealed.nowMs(key);
    const nowMs = asked === undefined ? undefined : await asked;
    const bytes = this.#encode(key, { outcome: { kind: "value", value }, workMs: 0 }, terms, nowMs);
    // What it should have replaced must not be seen any more.
    if (bytes === undefined) return (await this.#remove(key)) && false;
    const ttlMs = terms.ttlMs + terms.graceMs;
    const written = await this.#change(key, () => store.set(key, bytes, ttlMs));
    if (written) this.#options.tell(key, { type: "written", bytes: bytes.length, ttlMs: terms.ttlMs });
    return written;
  }

  async delete(key: string): Promise<boolean> {
    // As `set` does: of two changes that are made in one go, the later one must not overtake the other.
    const asked = this.#sealed.nowMs(key);
    if (asked !== undefined) await asked;
    return this.#remove(key);
  }

  #remove(key: string): Promise<boolean> {
    return this.#change(key, () => this.#options.store.delete(key));
  }

  /** Before and after: neither a load that began earlier nor one that began meanwhile may be written or joined. */
  async #change(key: string, write: () => Promise<void>): Promise<boolean> {
    await this.#voidLoads(key);
    try {
      await this.#answered(write());
      return true;
    } catch {
      this.#options.tell(key, { type: "not-written", why: "unavailable" });
      return false;
    } finally {
      await this.#voidLoads(key);
    }
  }

  async #voidLoads(key: string): Promise<void> {
    this.#looks.delete(key);
    for (const load of this.#loads.get(key) ?? []) load.void = true;
    await this.#options.flights.forget(key);
  }

  #look(key: string): Promise<Look> {
    const shared = this.#looks.get(key);
    if (shared !== undefined) return shared;
    // A caller of a later moment must see what was written meanwhile.
    const look = Promise.resolve().then(() => {
      if (this.#looks.get(key) === look) this.#looks.delete(key);
      return this.#read(key);
    });
    this.#looks.set(key, look);
    return look;
  }

  async #read(key: string): Promise<Look> {
    const { store, policy, tell } = this.#options;
    try {
      if (policy.clock.now() < this.#restsUntil) throw new Error("the store rests");
      const stored = await this.#answered(store.get(key));
      return { answered: true, found: stored === undefined ? undefined : await this.#open(key, stored) };
    } catch {
      tell(key, { type: "read-failed" });
      return { answered: false };
    }
  }

  async #open(key: string, stored: StoredEntry): Promise<Found | undefined> {
    const entry = await this.#sealed.decode(key, stored.bytes);
    if (typeof entry === "string") {
      this.#options.tell(key, { type: "broken", why: entry });
      return undefined;
    }
    return this.#checked(key, entry, stored.leftMs - entry.graceMs);
  }

  async #checked(key: string, entry: Entry, leftMs: number): Promise<Found | undefined> {
    const { policy, tell } = this.#options;
    const { outcome } = entry;
    if (policy.schema === undefined || outcome.kind === "error") return { entry, leftMs };
    try {
      const verdict = await policy.schema["~standard"].validate(outcome.value);
      if (verdict.issues === undefined && "value" in verdict) {
        return { entry: { ...entry, outcome: { kind: "value", value: verdict.value } }, leftMs };
      }
    } catch {
      // A schema that throws has not accepted the value.
    }
    tell(key, { type: "broken", why: "schema" });
    return undefined;
  }

  /** The work, with a second look before it and the writing behind it. `seen`: the id of an entry that will not do. */
  #loading(key: string, work: Work<unknown>, seen: string | undefined): Work<unknown> {
    const { policy, freshness, ttlOf } = this.#options;
    const { clock } = policy;
    return async (signal, flight) => {
      const load = this.#begin(key);
      try {
        const look = await this.#read(key);
        const found = look.answered ? look.found : undefined;
        if (found !== undefined && found.leftMs > 0 && found.entry.id !== seen) {
          return valueOf(found.entry.outcome);
        }
        const startedAt = clock.now();
        const outcome = await outcomeOf(() => work(signal, flight));
        const workMs = clock.now() - startedAt;
        // Before the last look at whether the load still counts.
        const asked = this.#sealed.nowMs(key);
        const nowMs = asked === undefined ? undefined : await asked;
        // What comes of a header that may be wrong is for the request that brought it.
        const keeps = outcome.kind === "value" || (found === undefined && !wasRefused());
        const lost = load.void || signal.aborted || flight.leaseLost?.aborted === true;
        const terms = keeps && !lost && look.answered ? freshness.terms(outcome, ttlOf(work)) : undefined;
        if (terms !== undefined) await this.#write(key, { outcome, workMs }, terms, nowMs);
        return valueOf(outcome);
      } finally {
        this.#end(key, load);
      }
    };
  }

  async #write(key: string, kept: Kept, terms: Terms, nowMs: number | undefined): Promise<void> {
    const { store, tell } = this.#options;
    const bytes = this.#encode(key, kept, terms, nowMs);
    if (bytes === undefined) return;
    try {
      await this.#answered(store.set(key, bytes, terms.ttlMs + terms.graceMs));
      tell(key, { type: "written", bytes: bytes.length, ttlMs: terms.ttlMs });
    } catch {
      tell(key, { type: "not-written", why: "unavailable" });
    }
  }

  #encode(key: string, kept: Kept, terms: Terms, nowMs: number | undefined): Uint8Array | undefined {
    const bytes = this.#sealed.encode(key, kept, terms, nowMs);
    if (typeof bytes !== "string") return bytes;
    this.#options.tell(key, { type: "not-written", why: bytes });
    return undefined;
  }

  #renew(key: string, work: Work<unknown>, { entry }: Found, why: "stale" | "early"): void {
    const { flights, tell } = this.#options;
    this.#renewals.begin(key, () => {
      tell(key, { type: "refresh", why });
      return flights.do(key, this.#loading(key, work, entry.id));
    });
  }

  /** What the store says in time. One that hangs is one that fails. */
  async #answered<T>(asked: Promise<T>): Promise<T> {
    const { clock, storeTimeoutMs } = this.#options.policy;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = clock.setTimer(() => {
      this.#restsUntil = clock.now() + REST_MS;
      reject(new Error("the store did not answer"));
    }, storeTimeoutMs);
    try {
      return await Promise.race([asked, late]);
    } finally {
      timer.cancel();
    }
  }

  #begin(key: string): Load {
    const load = { void: false };
    const loads = this.#loads.get(key) ?? new Set();
    this.#loads.set(key, loads.add(load));
    return load;
  }

  #end(key: string, load: Load): void {
    const loads = this.#loads.get(key);
    loads?.delete(load);
    if (loads?.size === 0) this.#loads.delete(key);
  }
}

/** A caller that leaves does not wait for a read that others may share. */
async function untilAborted<T>(looking: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return looking;
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([looking, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

async function outcomeOf(work: () => unknown): Promise<KeptOutcome> {
  try {
    return { kind: "value", value: await work() };
  } catch (error) {
    return { kind: "error", error };
  }
}

function valueOf(outcome: KeptOutcome): unknown {
  if (outcome.kind === "error") throw outcome.error;
  return outcome.value;
}
