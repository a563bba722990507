/**
 * One process of a simulated fleet: the real flights, leader, follower, lease keeper and fallback, on a clock that can be
 * paused, over the coordinator in memory.
 */
import type { Clock, FallbackReason, Randomness } from "@skein/core";
import { Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import { ClusterPilot } from "../../src/cluster-pilot.ts";
import type { Transport } from "../../src/coordinator.ts";
import { Fleet, type Availability } from "../../src/fleet.ts";
import { flightKeys } from "../../src/flight-keys.ts";
import type { MemoryFleet, MemoryMember } from "../../src/memory/index.ts";
import type { ClusterEvent } from "../../src/observer.ts";
import type { Policy } from "../../src/policy.ts";
import { PausableClock } from "./pausable-clock.ts";

export const REDIS_TIMEOUT_MS = 250;
const POLL_EVERY_MS = 1_000;
const DEATH_GRACE_MS = 400;

/** Everything may be asked; what fails was sent. */
const alwaysAvailable: Availability = {
  obstacle: (): FallbackReason | undefined => undefined,
  whenUp: () => Promise.resolve(true),
  up: true,
  succeeded() {},
  failed: () => ({ reason: "timeout", sent: true }),
};

export interface SimulatedProcessOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly memory: MemoryFleet;
  readonly policy: Policy;
  /** How it is woken. Default: "p". */
  readonly transport?: Transport;
  readonly maxEntries: number;
  readonly onEvent: (event: ClusterEvent) => void;
}

export class SimulatedProcess {
  readonly id: string;
  readonly clock: PausableClock;
  readonly member: MemoryMember;
  readonly pilot: ClusterPilot;
  readonly fleet: Fleet;
  readonly table: FlightTable;
  alive = true;

  constructor(options: SimulatedProcessOptions) {
    const { id, randomness, memory, policy, maxEntries, onEvent } = options;
    this.id = id;
    this.clock = new PausableClock(options.clock);
    this.member = memory.connect(id, options.transport);
    const { clock } = this;
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
    this.fleet = new Fleet({
      processId: id,
      coordinator: this.member.coordinator,
      inbox: this.member.inbox,
      availabilityOf: () => alwaysAvailable,
      keys: flightKeys({ namespace: "simulated", maxKeyBytes: 1_024, hashKeys: false }),
      clock,
      randomness,
      table: this.table,
      emitter,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      pollEveryMs: POLL_EVERY_MS,
      deathGraceMs: DEATH_GRACE_MS,
      signatures: undefined,
    });
    this.pilot = new ClusterPilot(this.fleet, policy);
    this.fleet.open();
  }

  /** Nothing of any flight is left in the process. */
  get quiet(): boolean {
    return (
      this.table.size === 0 &&
      this.pilot.size === 0 &&
      this.fleet.wakeUps.size === 0 &&
      this.fleet.leases.size === 0
    );
  }
}
