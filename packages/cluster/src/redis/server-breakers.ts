/** The breakers of a process: one for each server, told as one, in the worst of their states. */
import type { Clock, Randomness } from "@skein/core";
import { Breaker, type BreakerOptions, type BreakerState } from "../breaker.ts";
import type { Coordinator } from "../coordinator.ts";
import type { FlightKeys, FlightName } from "../flight-keys.ts";

/**
 * The terms of a probe's flight: short, and of no consequence. A probe whose resignation is lost leaves a record for
 * `flightTtlMs` of them, and is a takeover for the next one.
 */
const PROBE = {
  leaseMs: 500,
  maxTakeovers: 10,
  abandonMs: 1,
  freshMs: 0,
  firstGrant: undefined,
  registrationMs: 500,
  takesOver: true,
};
/** Names tried for a probe that one node of a Redis Cluster keeps; it has a good share of the slots, or is asked little. */
const MAX_NAMES = 5_000;
const SEVERITY: readonly BreakerState[] = ["closed", "half-open", "open"];

export interface ServerBreakersOptions {
  readonly breaker: BreakerOptions;
  readonly keys: FlightKeys;
  readonly processId: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly redisTimeoutMs: number;
  readonly onChange: (state: BreakerState) => void;
}

export class ServerBreakers {
  readonly #options: ServerBreakersOptions;
  readonly #open = new Set<Breaker>();
  #coordinator: Coordinator | undefined;
  #told: BreakerState = "closed";

  constructor(options: ServerBreakersOptions) {
    this.#options = options;
  }

  /** Whom probes ask. */
  ask(coordinator: Coordinator): void {
    this.#coordinator = coordinator;
  }

  /** `has`: whether the server keeps a key. `reachable`: whether there is a connection to it. */
  create(has: (key: string) => boolean, reachable?: () => boolean): Breaker {
    const { breaker: options, clock, randomness } = this.#options;
    const breaker = new Breaker(options, {
      probe: () => this.#probe(has),
      ...(reachable === undefined ? {} : { reachable }),
      clock,
      randomness,
      onChange: () => this.#tell(),
    });
    this.#open.add(breaker);
    return breaker;
  }

  /** The server is gone. */
  close(breaker: Breaker): void {
    breaker.close();
    this.#open.delete(breaker);
    this.#tell();
  }

  /**
   * Asks what calls ask, on a flight of this process's own that is given up at once. A PING would pass on a server that is
   * full, or that denies what joins need, and the breaker would close in vain again and again.
   */
  async #probe(has: (key: string) => boolean): Promise<void> {
    const { randomness, redisTimeoutMs: withinMs } = this.#options;
    const flight = this.#flightAt(has);
    if (flight === undefined || this.#coordinator === undefined) throw new Error("nothing to ask for");
    const nonce = randomness.identifier(12);
    const reply = await this.#coordinator.join({ ...PROBE, flight, withinMs, nonce });
    if (reply.status !== "lead") throw new Error(`the probe was answered with ${reply.status}`);
    const claim = { token: reply.token };
    await this.#coordinator.resign({ flight, claim, countsAsTakeover: false, ifUnwanted: false });
  }

  #flightAt(has: (key: string) => boolean): FlightName | undefined {
    const { keys, processId } = this.#options;
    for (let tries = 0; tries < MAX_NAMES; tries++) {
      const flight = keys.flight(tries === 0 ? `probe ${processId}` : `probe ${processId} ${tries}`);
      if (has(flight.leaseKey)) return flight;
    }
    return undefined;
  }

  #tell(): void {
    let worst: BreakerState = "closed";
    for (const { state } of this.#open) {
      if (SEVERITY.indexOf(state) > SEVERITY.indexOf(worst)) worst = state;
    }
    if (worst === this.#told) return;
    this.#told = worst;
    this.#options.onChange(worst);
  }
}
