/**
 * The class that articles and answers publish, written here from its description: an AbortController per flight, an entry
 * with its age, a limit on entries, an async `do` that deletes by key when it is done. Limits are set so that none bites.
 */
import type { InProcessContender } from "../contender.ts";

interface Entry {
  readonly promise: Promise<unknown>;
  readonly controller: AbortController;
  readonly startedAt: number;
}

class PublishedSingleFlight {
  readonly #flights = new Map<string, Entry>();
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;

  constructor(maxEntries: number, maxAgeMs: number) {
    this.#maxEntries = maxEntries;
    this.#maxAgeMs = maxAgeMs;
  }

  async do(key: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    const present = this.#flights.get(key);
    if (present !== undefined) {
      if (Date.now() - present.startedAt < this.#maxAgeMs) return present.promise;
      present.controller.abort();
      this.#flights.delete(key);
    }
    if (this.#flights.size >= this.#maxEntries) this.#evictOldest();
    const controller = new AbortController();
    const promise = this.#execute(key, work, controller.signal);
    this.#flights.set(key, { promise, controller, startedAt: Date.now() });
    return promise;
  }

  async #execute(
    key: string,
    work: (signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await work(signal);
    } finally {
      this.#flights.delete(key);
    }
  }

  #evictOldest(): void {
    const [oldest] = this.#flights;
    if (oldest === undefined) return;
    oldest[1].controller.abort();
    this.#flights.delete(oldest[0]);
  }
}

export const publishedClass: InProcessContender = {
  name: "published class",
  configuration: "AbortController per flight, limits on entries and age",
  module: import.meta.url,
  open(load, maxKeys) {
    const flights = new PublishedSingleFlight(maxKeys + 1, 30_000);
    return (key) => flights.do(key, () => load(key));
  },
};
