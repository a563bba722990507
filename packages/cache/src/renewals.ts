/** Entries that this process is renewing, one load at a time per key, and the pauses after renewals that failed. */
import { background } from "@skein/core/internal";
import type { CachePolicy } from "./options.ts";

const MAX_DOUBLINGS = 5;

export class Renewals {
  readonly #policy: CachePolicy;
  readonly #underWay = new Set<string>();
  /** Those that failed, and when the next one is due. */
  readonly #backoff = new Map<string, { readonly failures: number; readonly until: number }>();

  constructor(policy: CachePolicy) {
    this.#policy = policy;
  }

  /** Begins one, unless one is under way or it is too early after one that failed. */
  begin(key: string, renew: () => Promise<unknown>): void {
    const { clock, refreshBackoffMs, maxKnownEntries } = this.#policy;
    const failed = this.#backoff.get(key);
    if (this.#underWay.has(key) || (failed !== undefined && clock.now() < failed.until)) return;
    this.#underWay.add(key);
    const renewal = renew().then(
      () => void this.#backoff.delete(key),
      () => {
        const failures = (failed?.failures ?? 0) + 1;
        const pauseMs = refreshBackoffMs * 2 ** Math.min(failures - 1, MAX_DOUBLINGS);
        const [oldest] = this.#backoff.keys();
        if (oldest !== undefined && this.#backoff.size >= maxKnownEntries) this.#backoff.delete(oldest);
        this.#backoff.set(key, { failures, until: clock.now() + pauseMs });
      },
    );
    background(renewal.finally(() => this.#underWay.delete(key)));
  }
}
