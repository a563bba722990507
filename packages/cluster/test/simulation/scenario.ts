/** What a seed stands for: how many processes, with which options each, and what goes wrong. */
import type { SeededRandom } from "@skein/testkit";
import type { Transport } from "../../src/coordinator.ts";
import type { PrefixOptions } from "../../src/options.ts";
import { CALM, type Weather } from "./simulated-network.ts";

export type Fault =
  | "kill"
  | "stop"
  | "cut-inbox"
  | "cut-off"
  | "hang"
  | "jump"
  | "lose-data"
  | "forget"
  | "close";

export interface ProcessPlan {
  readonly transport: Transport;
  readonly prefix: PrefixOptions;
  readonly redisTimeoutMs: number;
  readonly pollEveryMs: number;
  readonly deathGraceMs: number;
  readonly maxEntries: number;
  /** Its breaker opens; otherwise it asks whatever happens. */
  readonly hasBreaker: boolean;
}

export interface Scenario {
  /** Nothing goes wrong, and all calls are stampedes. */
  readonly undisturbed: boolean;
  readonly processes: readonly ProcessPlan[];
  readonly calls: number;
  readonly keys: number;
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  readonly weather: Weather;
  /** Callers give up, or have little time. */
  readonly impatience: number;
  readonly maxFallbackConcurrency: number;
}

export const LONGEST_LEASE_MS = 3_500;
export const LONGEST_AGE_MS = 6_000;
export const LONGEST_POLL_MS = 1_500;
const FAULTS: readonly Fault[] = [
  "kill",
  "stop",
  "cut-inbox",
  "cut-off",
  "hang",
  "jump",
  "lose-data",
  "forget",
  "forget",
  "close",
];
/** Every so many seeds one is left undisturbed. */
const UNDISTURBED_EVERY = 8;

export function scenarioOf(seed: number, random: SeededRandom): Scenario {
  const undisturbed = seed % UNDISTURBED_EVERY === 0;
  const chance = (share: number): boolean => random.fraction() < share;
  // Most seeds have only some of the faults: then nothing but these can be an excuse.
  const faults = undisturbed ? [] : FAULTS.filter(() => chance(0.4));
  const storm = chance(0.5);
  const weather = undisturbed || !storm ? CALM : { lost: 0.02, repeated: 0.02, late: 0.05 };
  const maxFallbackConcurrency = undisturbed || chance(0.7) ? 1_000_000 : 1 + random.integer(2);
  const deathGraceMs = 200 + random.integer(600);
  const mixed = chance(0.5);
  const plan = (): ProcessPlan => planOf(random, { undisturbed, maxFallbackConcurrency, deathGraceMs });
  const first = plan();
  const count = 2 + random.integer(5);
  const processes = Array.from({ length: count }, () => (mixed ? plan() : first));
  return {
    undisturbed,
    processes,
    calls: 40 + random.integer(40),
    keys: 1 + random.integer(6),
    faults,
    faultCount: faults.length === 0 ? 0 : 4 + random.integer(10),
    weather,
    impatience: undisturbed || chance(0.5) ? 0 : 0.15,
    maxFallbackConcurrency,
  };
}

function planOf(
  random: SeededRandom,
  {
    undisturbed,
    maxFallbackConcurrency,
    deathGraceMs,
  }: Pick<Scenario, "undisturbed" | "maxFallbackConcurrency"> & { deathGraceMs: number },
): ProcessPlan {
  const chance = (share: number): boolean => random.fraction() < share;
  const rarely = !undisturbed;
  const leaseMs = 500 + random.integer(LONGEST_LEASE_MS - 500);
  const maxAgeMs = 3_000 + random.integer(LONGEST_AGE_MS - 3_000);
  const retainMs = random.pick([100, 1_000, 5_000]);
  return {
    transport: chance(0.3) ? "l" : "p",
    prefix: {
      leaseMs,
      maxAgeMs,
      waitTimeoutMs: maxAgeMs + 1 + random.integer(14_000),
      onWaitTimeout: chance(0.3) ? "error" : "local",
      maxTakeovers: random.pick([2, 2, 2, 0, 1, 4]),
      abandonMs: 500 + random.integer(6_000),
      onLeaderLoss: rarely && chance(0.15) ? "local" : "takeover",
      freshMs: rarely && chance(0.15) ? Math.min(retainMs, 50 + random.integer(800)) : 0,
      retainMs,
      shareErrors: !(rarely && chance(0.2)),
      onUnavailable: rarely && chance(0.15) ? "error" : "local",
      maxFallbackConcurrency,
      shadow: rarely && chance(0.08),
      inlineMaxBytes: chance(0.25) ? 0 : 16_384,
      maxOutcomeBytes: rarely && chance(0.05) ? 1 : 1_048_576,
    },
    redisTimeoutMs: undisturbed ? 250 : 100 + random.integer(300),
    pollEveryMs: 250 + random.integer(LONGEST_POLL_MS - 250),
    deathGraceMs,
    // Small enough to be reached: then the oldest flight is evicted.
    maxEntries: rarely && chance(0.3) ? 2 : 1_000,
    hasBreaker: chance(0.5),
  };
}
