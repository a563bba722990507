/** Whether a simulated process should ask: always, or as its breaker says. The connection itself is always there. */
import type { Clock, FallbackReason, Randomness } from "@skein/core";
import type { Breaker } from "../../src/breaker.ts";
import type { Coordinator } from "../../src/coordinator.ts";
import type { Availability, JoinFailure } from "../../src/fleet.ts";
import type { FlightKeys } from "../../src/flight-keys.ts";
import { ServerBreakers } from "../../src/redis/server-breakers.ts";
import type { ClusterEvent } from "../../src/observer.ts";
import type { PausableClock } from "./pausable-clock.ts";

/** Everything may be asked; what fails was sent. */
export const alwaysAvailable: Availability = {
  obstacle: (): FallbackReason | undefined => undefined,
  peek: (): FallbackReason | undefined => undefined,
  whenUp: () => Promise.resolve(true),
  up: true,
  succeeded() {},
  failed: () => ({ reason: "timeout", sent: true }),
};

export interface BreakingOptions {
  readonly processId: string;
  readonly clock: PausableClock & Clock;
  readonly randomness: Randomness;
  readonly coordinator: Coordinator;
  readonly keys: FlightKeys;
  readonly redisTimeoutMs: number;
  readonly tell: (event: ClusterEvent) => void;
}

export class BreakingAvailability implements Availability {
  readonly up = true;
  readonly #options: BreakingOptions;
  readonly #breaker: Breaker;

  constructor(options: BreakingOptions) {
    const { redisTimeoutMs, tell } = options;
    this.#options = options;
    const breakers = new ServerBreakers({
      ...options,
      breaker: { failures: 1, slowReplies: 5, slowMs: 0.8 * redisTimeoutMs, probeEveryMs: 250 },
      onChange: (state) => tell({ type: "breaker", state }),
    });
    breakers.ask(options.coordinator);
    this.#breaker = breakers.create(() => true);
  }

  get closed(): boolean {
    return this.#breaker.state === "closed";
  }

  obstacle(): FallbackReason | undefined {
    return this.peek();
  }

  peek(): FallbackReason | undefined {
    if (this.#breaker.state === "open") return "breaker-open";
    return this.#breaker.state === "half-open" ? "fallback-probe" : undefined;
  }

  whenUp(): Promise<boolean> {
    return Promise.resolve(true);
  }

  succeeded(tookMs: number): void {
    this.#breaker.succeeded(this.#wasStopped ? 0 : tookMs);
  }

  failed(): JoinFailure {
    if (!this.#wasStopped) this.#breaker.failed();
    return { reason: "timeout", sent: true };
  }

  /** No more probes. */
  close(): void {
    this.#breaker.close();
  }

  /** What the process itself missed says nothing about the server. */
  get #wasStopped(): boolean {
    const { clock, redisTimeoutMs } = this.#options;
    return clock.now() - clock.resumedAt < redisTimeoutMs;
  }
}
