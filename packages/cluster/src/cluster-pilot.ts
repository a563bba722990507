/** Flies the flights of one coordinated prefix: each gets a participation of its own. */
import type { Flight, Pilot } from "@skein/core/internal";
import { FallbackLimit } from "./fallback.ts";
import type { Fleet } from "./fleet.ts";
import type { ParticipationOptions } from "./participation-options.ts";
import { Participation } from "./participation.ts";
import type { Policy } from "./policy.ts";
import { Shadow } from "./shadow.ts";

/** What a flight's pilot does for it; the coordinated and the shadow kind. */
export interface Conduct {
  start(): void;
  onUnwanted(): void;
  onReplaced(reason: Error): void;
  onClosed(reason: Error): void;
}

export class ClusterPilot implements Pilot {
  /** Each caller needs a promise of its own: an outcome may be too old for the later ones. */
  readonly sharesPromise = false;
  readonly #fleet: Fleet;
  readonly #policy: Policy;
  readonly #fallbackLimit: FallbackLimit;
  readonly #conducts = new Map<Flight, Conduct>();

  constructor(fleet: Fleet, policy: Policy, fallbackLimit?: FallbackLimit) {
    this.#fleet = fleet;
    this.#policy = policy;
    this.#fallbackLimit = fallbackLimit ?? new FallbackLimit(policy.maxFallbackConcurrency);
  }

  get fallbackLimit(): FallbackLimit {
    return this.#fallbackLimit;
  }

  launch(flight: Flight): void {
    const conduct = this.conductOf({
      fleet: this.#fleet,
      policy: this.#policy,
      pilot: this,
      flight,
      name: this.#fleet.options.keys.flight(flight.key),
      fallbackLimit: this.#fallbackLimit,
      onOver: () => void this.#conducts.delete(flight),
    });
    this.#conducts.set(flight, conduct);
    conduct.start();
  }

  protected conductOf(options: ParticipationOptions): Conduct {
    return this.#policy.shadow ? new Shadow(options) : new Participation(options);
  }

  onUnwanted(flight: Flight): void {
    this.#conducts.get(flight)?.onUnwanted();
  }

  onReplaced(flight: Flight, reason: Error): void {
    this.#conducts.get(flight)?.onReplaced(reason);
  }

  onClosed(flight: Flight, reason: Error): void {
    this.#conducts.get(flight)?.onClosed(reason);
  }

  /** Flights without callers whose work this process still leads for others; on close they resign like the rest. */
  closeRemaining(reason: Error): void {
    for (const conduct of Array.from(this.#conducts.values())) conduct.onClosed(reason);
  }

  get size(): number {
    return this.#conducts.size;
  }
}
