/**
 * One process of a simulated fleet: the real flights, leader, follower, lease keeper, breaker and fallback, on a clock
 * that can be stopped, over the coordinator in memory.
 */
import { ClosedError, type Clock, type Randomness } from "@skein/core";
import { background, Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import { ClusterPilot } from "../../src/cluster-pilot.ts";
import type { Transport } from "../../src/coordinator.ts";
import { Fleet } from "../../src/fleet.ts";
import { flightKeys, type FlightKeys } from "../../src/flight-keys.ts";
import type { MemoryFleet, MemoryMember } from "../../src/memory/index.ts";
import type { ClusterEvent } from "../../src/observer.ts";
import type { Policy } from "../../src/policy.ts";
import { Gate } from "./gate.ts";
import { PausableClock } from "./pausable-clock.ts";
import { alwaysAvailable, BreakingAvailability } from "./simulated-availability.ts";

/** As ClusterSingleflight.close has it. */
const FAREWELL_MS = 1_000;

export const SIMULATED_KEYS: FlightKeys = flightKeys({
  namespace: "simulated",
  maxKeyBytes: 1_024,
  hashKeys: false,
});

export interface SimulatedProcessOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly memory: MemoryFleet;
  readonly policy: Policy;
  /** How it is woken. Default: "p". */
  readonly transport?: Transport;
  readonly maxEntries: number;
  readonly redisTimeoutMs?: number;
  readonly pollEveryMs?: number;
  readonly deathGraceMs?: number;
  /** Default: it asks whatever happens. */
  readonly hasBreaker?: boolean;
  readonly onEvent: (event: ClusterEvent) => void;
}

export class SimulatedProcess {
  readonly id: string;
  readonly clock: PausableClock;
  readonly member: MemoryMember;
  readonly pilot: ClusterPilot;
  readonly fleet: Fleet;
  readonly table: FlightTable;
  readonly policy: Policy;
  /** It has neither been killed nor begun to close. */
  alive = true;
  killed = false;
  readonly #gate: Gate;
  readonly #availability: BreakingAvailability | undefined;

  constructor(options: SimulatedProcessOptions) {
    const { id, randomness, memory, policy, maxEntries, onEvent } = options;
    const { redisTimeoutMs = 250, pollEveryMs = 1_000, deathGraceMs = 400 } = options;
    this.id = id;
    this.policy = policy;
    this.clock = new PausableClock(options.clock);
    this.member = memory.connect(id, options.transport);
    const { clock } = this;
    this.#gate = new Gate(clock, this.member.coordinator, this.member.inbox);
    const { coordinator, inbox } = this.#gate;
    const keyPrefixOf = (): string => policy.prefix;
    const limits = flightLimits<ClusterEvent>({
      clock,
      randomness,
      maxEntries,
      keyPrefixOf,
      exposeKeys: true,
    });
    const emitter = new Emitter<ClusterEvent>({ onEvent });
    this.table = new FlightTable(limits, emitter);
    const terms = { processId: id, clock, randomness, coordinator, keys: SIMULATED_KEYS, redisTimeoutMs };
    const availability =
      options.hasBreaker === true ? new BreakingAvailability({ ...terms, tell: onEvent }) : undefined;
    this.#availability = availability;
    this.fleet = new Fleet({
      ...terms,
      inbox,
      availabilityOf: () => availability ?? alwaysAvailable,
      table: this.table,
      emitter,
      pollEveryMs,
      deathGraceMs,
      signatures: undefined,
    });
    this.pilot = new ClusterPilot(this.fleet, policy);
    this.fleet.open();
  }

  /** As ClusterSingleflight.forget: at once in this process, elsewhere when the news arrives. */
  forget(key: string): void {
    this.table.forget(key);
    const name = SIMULATED_KEYS.flight(key);
    const { clock, redisTimeoutMs } = this.fleet.options;
    const deadline = clock.now() + redisTimeoutMs;
    background(this.fleet.sayBy(name, deadline, () => this.#gate.coordinator.forget(name)));
  }

  /** As ClusterSingleflight.close. */
  async close(drainMs: number): Promise<void> {
    this.alive = false;
    const drainedBy = this.clock.now() + drainMs;
    await this.table.close({ drainMs }, (flight, reason) => this.pilot.onClosed(flight, reason));
    await this.fleet.quitsLeading(drainedBy);
    this.pilot.closeRemaining(new ClosedError());
    await this.fleet.farewell(this.clock.now() + FAREWELL_MS);
    this.#availability?.close();
    await this.#gate.close();
  }

  /** Nothing of any flight is left in the process, and it asks again. */
  get quiet(): boolean {
    return (
      this.table.size === 0 &&
      this.pilot.size === 0 &&
      this.fleet.wakeUps.size === 0 &&
      this.fleet.leases.size === 0 &&
      (!this.alive || this.#availability?.closed !== false)
    );
  }
}
