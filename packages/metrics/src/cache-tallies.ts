/** What a cache tells of one key prefix. */
import type { CacheEvent } from "@skein/cache";
import type { MetricFamilies } from "./metric-families.ts";
import type { Observing, Tally } from "./tally.ts";

export class CacheTallies {
  readonly #hits: ReadonlyMap<string, Tally>;
  readonly #misses: ReadonlyMap<string, Tally>;
  readonly #refreshes: ReadonlyMap<string, Tally>;
  readonly #notWritten: ReadonlyMap<string, Tally>;
  readonly #broken: ReadonlyMap<string, Tally>;
  readonly #bypassed: Tally;
  readonly #written: Tally;
  readonly #entryBytes: Observing;
  readonly #readsFailed: Tally;

  constructor(families: MetricFamilies, prefix: string) {
    this.#hits = families.tallies("cacheHits", "hit", prefix);
    this.#misses = families.tallies("cacheMisses", "expected", prefix);
    this.#refreshes = families.tallies("cacheRefreshes", "refresh", prefix);
    this.#notWritten = families.tallies("cacheNotWritten", "notWritten", prefix);
    this.#broken = families.tallies("cacheBroken", "broken", prefix);
    this.#bypassed = families.tally("cacheBypassed", prefix);
    this.#written = families.tally("cacheWritten", prefix);
    this.#entryBytes = families.distribution("cacheEntryBytes", prefix);
    this.#readsFailed = families.tally("cacheReadsFailed", prefix);
  }

  record(told: CacheEvent): void {
    switch (told.type) {
      case "hit":
        this.#hits.get(told.how)?.add();
        return;
      case "miss":
        this.#misses.get(told.unexpected ? "false" : "true")?.add();
        return;
      case "refresh":
        this.#refreshes.get(told.why)?.add();
        return;
      case "bypass":
        this.#bypassed.add();
        return;
      case "written":
        this.#written.add();
        this.#entryBytes.observe(told.bytes);
        return;
      case "not-written":
        this.#notWritten.get(told.why)?.add();
        return;
      case "broken":
        this.#broken.get(told.why)?.add();
        return;
      case "read-failed":
        this.#readsFailed.add();
        return;
    }
  }
}
