/** How long outcomes are kept, and when to renew them before their time. Chance is injected. */
import { ReentrantCallError, type Randomness } from "@skein/core";
import type { KeptOutcome } from "./entry.ts";
import type { CachePolicy } from "./options.ts";

/** How long an outcome is kept. */
export interface Terms {
  /** Fresh for so long; at least 1. */
  readonly ttlMs: number;
  /** Kept for so much longer, for callers that take it past its time. */
  readonly graceMs: number;
}

export class Freshness {
  readonly #policy: CachePolicy;
  readonly #randomness: Randomness;

  constructor(policy: CachePolicy, randomness: Randomness) {
    this.#policy = policy;
    this.#randomness = randomness;
  }

  /** `undefined`: not kept. `ttlMs` is what the call asked for. */
  terms(outcome: KeptOutcome, ttlMs: number = this.#policy.ttlMs): Terms | undefined {
    const { errorTtlMs, negativeTtlMs, staleMs, staleIfErrorMs } = this.#policy;
    if (outcome.kind === "error") {
      // Who it was that asked for its own key is no property of the key.
      const keeps = errorTtlMs > 0 && !(outcome.error instanceof ReentrantCallError);
      return keeps ? { ttlMs: errorTtlMs, graceMs: 0 } : undefined;
    }
    if (this.#isNegative(outcome.value)) {
      return negativeTtlMs === 0 ? undefined : { ttlMs: this.#jittered(negativeTtlMs), graceMs: 0 };
    }
    return { ttlMs: this.#jittered(ttlMs), graceMs: Math.max(staleMs, staleIfErrorMs) };
  }

  /**
   * XFetch (Vattani, Chierichetti, Lowenstein 2015): the nearer the end, and the longer the work takes, the likelier.
   * So the one that renews is ready about when the entry would have ended, without any agreement.
   */
  isDue(leftMs: number, workMs: number): boolean {
    const { earlyRefresh } = this.#policy;
    if (earlyRefresh === 0) return false;
    return -Math.log(1 - this.#randomness.fraction()) * workMs * earlyRefresh >= leftMs;
  }

  /** Shorter by a random part, so that what was loaded together does not end together. */
  #jittered(ttlMs: number): number {
    const { ttlJitter } = this.#policy;
    return Math.max(1, Math.round(ttlMs * (1 - ttlJitter * this.#randomness.fraction())));
  }

  /** A predicate that throws says nothing: the value is kept like any other. */
  #isNegative(value: unknown): boolean {
    try {
      return this.#policy.isNegative(value);
    } catch {
      return false;
    }
  }
}
