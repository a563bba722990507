/** What may happen to a flight and to the cache entry of its key, and random sequences of that. */
import * as fc from "fast-check";

export const PROCESSES = 3;
/** An entry past its time by less will do for some. */
const STALE_MS = 35_000;
/**
 * Time passes in steps of ten seconds. None of these, of their sums and of their products with the allowed takeovers, is
 * near a multiple of that: the little time that the test itself takes decides nothing.
 */
export const STEP_MS = 10_000;
const LEASES_MS = [101_250, 101_250, 21_250, 43_750];
const TAKEOVERS = [2, 2, 2, 0, 1, 4];
const ABANDONMENTS_MS = [303_750, 23_750];
const RETENTIONS_MS = [85_000, 85_000, 12_500];
const FRESHNESS_MS = [45_000, 12_500];
const REGISTRATIONS_MS = [65_000, 65_000, 16_250];
const PATIENCE_MS = [30_000, 9_000];
const NONCES = ["x", "y"];
const ENTRY_IDS = ["1-e-a", "1-e-b"];

/** A token is named by its place in the order of elections; 0 is the latest. */
export type Ago = number;
export interface Claim {
  readonly by: "token" | "nonce";
  readonly ago: Ago;
  readonly nonce: string;
}
export type Command =
  | {
      readonly do: "join";
      readonly process: number;
      readonly nonce: string;
      readonly firstGrant: Ago | null;
      readonly freshMs: number;
      readonly takesOver: boolean;
      readonly maxTakeovers: number;
      readonly leaseMs: number;
      readonly abandonMs: number;
      readonly registrationMs: number;
      readonly withinMs: number;
      readonly depose: {
        readonly ago: Ago;
        readonly beat: string;
        readonly evidence: "beat" | "inbox";
      } | null;
      readonly entry: { readonly seen: string; readonly reads: boolean; readonly staleMs: number } | null;
    }
  | {
      readonly do: "renew";
      readonly process: number;
      readonly ago: Ago;
      readonly leaseMs: number;
      readonly maxTakeovers: number;
    }
  | {
      readonly do: "settle";
      readonly process: number;
      readonly claim: Claim;
      readonly unshareable: boolean;
      readonly failed: boolean;
      readonly inlineMaxBytes: number;
      readonly retainMs: number;
      readonly outcome: string;
      readonly entry: string | null;
      readonly backsOff: boolean;
    }
  | {
      readonly do: "resign";
      readonly process: number;
      readonly claim: Claim;
      readonly countsAsTakeover: boolean;
      readonly ifUnwanted: boolean;
    }
  | { readonly do: "leave"; readonly process: number; readonly nonce: string }
  | { readonly do: "forget"; readonly process: number }
  | { readonly do: "set entry"; readonly process: number; readonly id: string; readonly outcome: string }
  | { readonly do: "delete entry"; readonly process: number }
  | { readonly do: "read entry"; readonly process: number }
  | { readonly do: "pass"; readonly steps: number }
  | { readonly do: "set clock back"; readonly steps: number }
  | { readonly do: "disconnect"; readonly process: number };

const process_ = fc.nat({ max: PROCESSES - 1 });
const nonce = fc.constantFrom(...NONCES);
const ago = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constant(1) },
  fc.nat({ max: 4 }),
);
const claim = fc.record<Claim>({ by: fc.constantFrom("token", "token", "nonce"), ago, nonce });
const rarely = fc.integer({ min: 0, max: 3 }).map((chance) => chance === 0);
const depose = fc.record({
  ago,
  beat: fc.constantFrom("0", "0", "1", "2"),
  evidence: fc.constantFrom("beat" as const, "inbox" as const),
});
const question = fc.record({
  seen: fc.constantFrom("", "", "*", ...ENTRY_IDS),
  reads: fc.boolean(),
  staleMs: fc.constantFrom(0, STALE_MS),
});
const entryId = fc.constantFrom(...ENTRY_IDS);

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      process: process_,
      nonce,
      firstGrant: fc.option(ago),
      freshMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(...FRESHNESS_MS)),
      takesOver: rarely.map((chance) => !chance),
      maxTakeovers: fc.constantFrom(...TAKEOVERS),
      leaseMs: fc.constantFrom(...LEASES_MS),
      abandonMs: fc.constantFrom(...ABANDONMENTS_MS),
      registrationMs: fc.constantFrom(...REGISTRATIONS_MS),
      withinMs: fc.constantFrom(...PATIENCE_MS),
      depose: fc.option(depose, { freq: 4 }),
      entry: fc.option(question, { freq: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("renew" as const),
      process: process_,
      ago,
      leaseMs: fc.constantFrom(...LEASES_MS),
      maxTakeovers: fc.constantFrom(...TAKEOVERS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      process: process_,
      claim,
      unshareable: rarely,
      failed: rarely,
      inlineMaxBytes: fc.constantFrom(16_384, 3),
      retainMs: fc.constantFrom(...RETENTIONS_MS),
      outcome: fc.constantFrom("ab", "abcdef", ""),
      entry: fc.option(entryId),
      backsOff: rarely,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("resign" as const),
      process: process_,
      claim,
      countsAsTakeover: rarely,
      ifUnwanted: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), process: process_, nonce }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), process: process_ }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("set entry" as const),
      process: process_,
      id: entryId,
      outcome: fc.constantFrom("set", ""),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete entry" as const), process: process_ }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("read entry" as const), process: process_ }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("pass" as const), steps: fc.constantFrom(1, 2, 4, 7, 11, 31) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), process: process_ }) },
);

/** For a server that has a clock of its own: where only records grow older, new grants would not be smaller. */
export const commandOrJump: fc.Arbitrary<Command> = fc.oneof(
  { weight: 35, arbitrary: command },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("set clock back" as const), steps: fc.constantFrom(1, 5, 40) }),
  },
);
