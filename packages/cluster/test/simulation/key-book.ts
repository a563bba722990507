/** What the referee has written down about one key. Simpler than the server: it decides nothing, it only remembers. */
import type { Claim } from "../../src/coordinator.ts";
import { grantOf, parseToken } from "../../src/fencing-token.ts";

/** The last election that was neither settled, resigned nor forgotten; its lease may have lapsed. */
export interface Reign {
  readonly token: string;
  readonly process: string;
  /** When the server last heard from it, on the simulation's clock. */
  signAtMs: number;
  leaseEndsAtUs: number;
}

export interface Retained {
  readonly token: string;
  readonly outcome: string;
  readonly atUs: number;
  readonly keptMs: number;
  readonly newcomers: "fresh" | "all" | "none";
}

export class KeyBook {
  reign: Reign | undefined;
  retained: Retained | undefined;
  /** Lost leaders that may yet be heard of. */
  readonly presumed = new Set<string>();
  /** By attempt. */
  readonly registrations = new Map<string, { readonly grant: number; readonly expiresAtUs: number }>();
  losses = 0;
  abandonedAtMs: number | undefined;
  abandonMs = Infinity;
  lastSettledGrant = 0;
  /** The server's clock went back. */
  clockWentBack = false;

  /** The server begins a new record. */
  begin(): void {
    // Grants are promised to grow only as long as the server keeps its clock, or else its record.
    if (this.clockWentBack) this.lastSettledGrant = 0;
    this.reign = undefined;
    this.retained = undefined;
    this.registrations.clear();
    this.#forgive();
  }

  lose(): void {
    this.begin();
    this.lastSettledGrant = 0;
  }

  /** Counted once; what is new starts an abandonment anew. */
  presumeLost({ token }: Reign): void {
    if (this.presumed.has(token)) return;
    this.presumed.add(token);
    this.losses++;
    this.abandonedAtMs = undefined;
  }

  abandon(atMs: number, abandonMs: number): void {
    this.abandonedAtMs = atMs;
    this.abandonMs = abandonMs;
  }

  /** A slow leader is not a dead one. */
  withdraw(token: string): void {
    if (this.presumed.delete(token)) this.losses = Math.max(0, this.losses - 1);
  }

  admitProbe(maxTakeovers: number): void {
    this.losses = maxTakeovers;
    this.presumed.clear();
  }

  settle(retained: Retained): void {
    this.reign = undefined;
    this.retained = retained;
    this.lastSettledGrant = grantOf(retained.token);
    this.#forgive();
    // They are told.
    for (const [attempt, { grant }] of this.registrations) {
      if (grant <= this.lastSettledGrant) this.registrations.delete(attempt);
    }
  }

  resign(token: string, countsAsTakeover: boolean, followers: number): void {
    this.withdraw(token);
    this.reign = undefined;
    if (countsAsTakeover) {
      this.losses++;
      this.abandonedAtMs = undefined;
    }
    if (followers > 0) return;
    this.registrations.clear();
    this.#forgive();
  }

  forget(): void {
    this.reign = undefined;
    this.retained = undefined;
    this.#forgive();
  }

  /** The token that a claim stands for; "" for that of a join which elected nobody. */
  claimed(process: string, claim: Claim): string {
    if ("token" in claim) return claim.token;
    const attempt = `${process}:${claim.nonce}`;
    const candidates = [this.reign?.token, this.retained?.token, ...this.presumed];
    return candidates.find((token) => token !== undefined && attemptOf(token) === attempt) ?? "";
  }

  followers(nowUs: number): number {
    return [...this.registrations.values()].filter(({ expiresAtUs }) => expiresAtUs > nowUs).length;
  }

  unregister(process: string, claim: Claim): void {
    const nonce = "nonce" in claim ? claim.nonce : parseToken(claim.token)?.nonce;
    this.registrations.delete(`${process}:${nonce}`);
  }

  retainedAt(nowUs: number): Retained | undefined {
    const { retained } = this;
    if (retained === undefined || nowUs < retained.atUs) return undefined;
    return nowUs < retained.atUs + retained.keptMs * 1_000 ? retained : undefined;
  }

  #forgive(): void {
    this.losses = 0;
    this.presumed.clear();
    this.abandonedAtMs = undefined;
    this.abandonMs = Infinity;
  }
}

/** The attempt that a token was given to. */
export function attemptOf(token: string): string {
  const parts = parseToken(token);
  return parts === undefined ? "" : `${parts.process}:${parts.nonce}`;
}
