/**
 * Gives Redis, and every caller, a rest while Redis does not answer or answers too slowly. Open it costs a call one
 * property read; only a probe of its own, on a timer, finds out whether Redis is back. Not promised: that no call fails
 * while it is closed; it learns from failures. Its timer is the injected clock's, since a breaker that trusts the
 * calendar stays open for an hour when the calendar is put back.
 */
import type { Clock, Randomness, Timer } from "@skein/core";
import { background } from "@skein/core/internal";
import { CircuitState, circuitBreaker, handleAll, type CircuitBreakerPolicy, type IBreaker } from "cockatiel";
import type { CommandFailure } from "./redis/command-failure.ts";

export interface BreakerOptions {
  /** Consecutive failures that open it. */
  readonly failures: number;
  /** Consecutive replies slower than `slowMs` that open it. */
  readonly slowReplies: number;
  readonly slowMs: number;
  /** Before the first probe, ms; jittered by half, doubled up to eightfold while probes fail. */
  readonly probeEveryMs: number;
}

export type BreakerState = "closed" | "open" | "half-open";

export interface BreakerDependencies {
  /** Asks Redis something harmless. A rejection, or a reply slower than `slowMs`, keeps the breaker open. */
  readonly probe: () => Promise<unknown>;
  /** Whether there is a connection to probe on. Without one it stays open, and waits for `probeNow`. Default: there is. */
  readonly reachable?: () => boolean;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly onChange: (state: BreakerState) => void;
}

/** Server errors that everybody will get, not just whoever asks for this key. */
const SERVER_WIDE: ReadonlySet<string> = new Set([
  "CLUSTERDOWN",
  "MISCONF",
  "NOAUTH",
  "NOPERM",
  "NOREPLICAS",
  "OOM",
  "WRONGPASS",
]);

/** Doublings of the time between probes. */
const MAX_BACKOFF_STEPS = 3;

/** Whether a failure says something about Redis as a whole. */
export function feedsBreaker(failure: CommandFailure): boolean {
  switch (failure.kind) {
    case "unavailable":
      return true;
    case "timeout":
      return !failure.loopDelayed;
    case "refused":
      return failure.serverCode !== undefined && SERVER_WIDE.has(failure.serverCode);
  }
}

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #dependencies: BreakerDependencies;
  readonly #trouble: Trouble;
  readonly #policy: CircuitBreakerPolicy;
  #timer: Timer | undefined;
  #failedProbes = 0;
  #closed = false;

  constructor(options: BreakerOptions, dependencies: BreakerDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#trouble = new Trouble(options);
    this.#policy = circuitBreaker(handleAll, {
      breaker: this.#trouble,
      // The policy reads the calendar. With this it never finds a probe too early; when to probe is decided here.
      halfOpenAfter: -Infinity,
    });
    this.#policy.onStateChange((state) => this.#changed(state));
  }

  get state(): BreakerState {
    return nameOf(this.#policy.state);
  }

  /** Redis answered. */
  succeeded(tookMs: number): void {
    this.#trouble.answered(tookMs);
    this.#consider();
  }

  /** Redis failed as a whole (see `feedsBreaker`). */
  failed(): void {
    this.#trouble.failed();
    this.#consider();
  }

  /** If it is open, probes without waiting for the timer: there is reason to think that Redis is back. */
  probeNow(): void {
    if (this.#closed || this.#policy.state !== CircuitState.Open || !this.#isReachable()) return;
    this.#timer?.cancel();
    background(this.#probe());
  }

  /** Stops probing, for good. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** The policy opens when it sees a failure while the trouble is over the limit. */
  #consider(): void {
    if (!this.#trouble.tooMuch || this.#policy.state !== CircuitState.Closed) return;
    background(
      this.#policy.execute(() => Promise.reject(new Error("too much trouble"))).catch(() => undefined),
    );
  }

  #changed(circuit: CircuitState): void {
    if (this.#closed) return;
    const state = nameOf(circuit);
    if (state === "closed") this.#failedProbes = 0;
    if (state === "open") this.#schedule();
    this.#dependencies.onChange(state);
  }

  #schedule(): void {
    const { clock, randomness } = this.#dependencies;
    const growth = 2 ** Math.min(this.#failedProbes, MAX_BACKOFF_STEPS);
    const delayMs = this.#options.probeEveryMs * growth * (0.5 + randomness.fraction());
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => this.#due(), delayMs, { unref: true });
  }

  #due(): void {
    // What cannot be sent says nothing new; and half-open would say that somebody is being asked.
    if (this.#isReachable()) background(this.#probe());
    else this.#schedule();
  }

  #isReachable(): boolean {
    return this.#dependencies.reachable?.() ?? true;
  }

  async #probe(): Promise<void> {
    try {
      await this.#policy.execute(async () => {
        // Counted first: when the policy hears of a failure it opens and schedules the next probe at once.
        this.#failedProbes += 1;
        const { clock, probe } = this.#dependencies;
        const askedAt = clock.now();
        await probe();
        if (clock.now() - askedAt > this.#options.slowMs) throw new Error("the probe was slow");
      });
    } catch {
      // The policy has taken note.
    }
  }
}

/** Counts what goes wrong in a row. */
class Trouble implements IBreaker {
  /** The policy's word for what it would save and restore; nobody does. */
  state: unknown = undefined;
  readonly #options: BreakerOptions;
  #failures = 0;
  #slowReplies = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get tooMuch(): boolean {
    return this.#failures >= this.#options.failures || this.#slowReplies >= this.#options.slowReplies;
  }

  answered(tookMs: number): void {
    this.#failures = 0;
    this.#slowReplies = tookMs > this.#options.slowMs ? this.#slowReplies + 1 : 0;
  }

  failed(): void {
    this.#failures += 1;
  }

  /** A probe went well. */
  success(): void {
    this.#failures = 0;
    this.#slowReplies = 0;
  }

  /** Asked once per trip; a reply may have come in since. */
  failure(state: CircuitState): boolean {
    return state === CircuitState.HalfOpen || this.tooMuch;
  }
}

function nameOf(circuit: CircuitState): BreakerState {
  if (circuit === CircuitState.Closed) return "closed";
  return circuit === CircuitState.HalfOpen ? "half-open" : "open";
}
