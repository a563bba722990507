/**
 * What a process says last about a flight: its outcome, that it resigns, that it leaves. Repeated until answered, for
 * as long as a lease could matter. Not promised: that it is heard; then others find out by time.
 */
import { background } from "@skein/core/internal";
import type { Claim, EntryWrite, ResignReply, SettleReply } from "./coordinator.ts";
import { sealOutcome, signEnvelope } from "./envelope.ts";
import type { Fleet } from "./fleet.ts";
import type { FlightName } from "./flight-keys.ts";
import type { Outcome, UnshareableWhy } from "./outcome.ts";
import type { Policy } from "./policy.ts";

export interface SaidOutcome {
  readonly bytes: number;
  readonly unshareable: false | UnshareableWhy;
  /** `undefined` when no answer came. */
  readonly reply: Promise<SettleAnswer | undefined>;
}

/** A join that may have been answered with leadership; a local run has taken its place. */
export interface AdoptedJoin {
  readonly nonce: string;
  readonly farewells: Farewells;
}

/** What a settlement does to the cache entry of its key. */
export interface EntryPlan {
  /** How long an entry will be kept, ms; 0: none will be. */
  readonly keptMs: number;
  /** The entry for an outcome whose envelope has so many bytes; `undefined`: none. */
  write(envelopeBytes: number): EntryWrite | undefined;
  readonly refreshBackoffMs: number;
}

/** What is told of the execution that an outcome comes from. */
export interface Origin {
  readonly takeovers: number;
  readonly traceparent?: string | undefined;
}

export interface SettleAnswer {
  readonly status: SettleReply["status"];
  /** Followers told, by all requests. */
  readonly woken: number;
  readonly settles: number;
}

export class Farewells {
  readonly #fleet: Fleet;
  readonly #policy: Policy;
  readonly #name: FlightName;

  constructor(fleet: Fleet, policy: Policy, name: FlightName) {
    this.#fleet = fleet;
    this.#policy = policy;
    this.#name = name;
  }

  /** What it takes to publish for a join whose reply never came. A signature needs the token: it is resigned instead. */
  adopt(nonce: string): AdoptedJoin | undefined {
    if (this.#fleet.options.signatures === undefined) return { nonce, farewells: this };
    background(this.resign({ nonce }));
    return undefined;
  }

  /** Publishes an outcome. It is encoded and, if it can be sent at once, sent before this returns. */
  settle(claim: Claim, nonce: string, outcome: Outcome, origin: Origin, plan?: EntryPlan): SaidOutcome {
    const { codec, maxOutcomeBytes, retainMs, inlineMaxBytes, leaseMs } = this.#policy;
    const signed = this.#fleet.options.signatures !== undefined;
    const sealed = sealOutcome(outcome, { codec, nonce, ...origin, maxOutcomeBytes, signed });
    const entry = sealed.unshareable === false ? plan?.write(sealed.size) : undefined;
    const keptMs = Math.max(retainMs, plan?.keptMs ?? 0);
    const terms = {
      ...(entry === undefined ? {} : { entry }),
      refreshBackoffMs: outcome.kind === "error" ? (plan?.refreshBackoffMs ?? 0) : 0,
      flight: this.#name,
      claim,
      unshareable: sealed.unshareable !== false,
      failed: outcome.kind === "error",
      retainMs,
      inlineMaxBytes,
    };
    const { coordinator } = this.#fleet.options;
    const settle = async (): Promise<SettleAnswer> => {
      const request = { ...terms, outcome: this.#signed(sealed.bytes, claim, keptMs) };
      // The rest of a very large crowd is woken by further calls, so that none of them holds the server for long.
      for (let settles = 1, woken = 0; ; settles++) {
        const reply = await coordinator.settle(request);
        if (reply.status === "fenced") return { status: reply.status, woken, settles };
        woken += reply.woken;
        if (reply.unwoken === 0) return { status: reply.status, woken, settles };
      }
    };
    const reply = this.#fleet.say(this.#name, leaseMs, settle);
    return { bytes: sealed.size, unshareable: sealed.unshareable, reply };
  }

  #signed(envelope: Buffer, claim: Claim, keptMs: number): Buffer {
    const signed = "token" in claim ? this.#fleet.signedFlight(this.#name, claim.token) : undefined;
    return signed === undefined ? envelope : signEnvelope(envelope, signed, keptMs);
  }

  /** Gives a lease up. `countsAsTakeover`: like a death. */
  resign(claim: Claim, countsAsTakeover: boolean = false): Promise<ResignReply | undefined> {
    return this.#resign({ claim, countsAsTakeover, ifUnwanted: false }, this.#policy.leaseMs);
  }

  /** Gives a lease up unless somebody in the fleet still waits. Not repeated for long: there are other occasions. */
  resignIfUnwanted(claim: Claim): Promise<ResignReply | undefined> {
    return this.#resign({ claim, countsAsTakeover: false, ifUnwanted: true }, this.#policy.renewEveryMs);
  }

  leave(nonce: string): Promise<void> {
    const request = { flight: this.#name, nonce };
    const { coordinator } = this.#fleet.options;
    return this.#fleet.say(this.#name, this.#policy.leaseMs, () => coordinator.leave(request));
  }

  #resign(
    what: { claim: Claim; countsAsTakeover: boolean; ifUnwanted: boolean },
    forMs: number,
  ): Promise<ResignReply | undefined> {
    const request = { flight: this.#name, ...what };
    const { coordinator } = this.#fleet.options;
    return this.#fleet.say(this.#name, forMs, () => coordinator.resign(request));
  }
}
