/** An outcome that is kept for those who missed their wake-up, and for newcomers who accept one of its age. */
import type { JoinReply, JoinRequest, SettleRequest } from "../coordinator.ts";
import { grantOf } from "../fencing-token.ts";

/** An age that nobody knows, because the server's clock went back, is greater than anybody's wait. */
const UNKNOWN_AGE_MS = 2 ** 31 - 1;

export class RetainedOutcome {
  readonly token: string;
  readonly outcome: Uint8Array;
  readonly #newcomers: "fresh" | "all" | "none";
  readonly #settledAtUs: number;

  constructor(token: string, { outcome, unshareable, failed }: SettleRequest, settledAtUs: number) {
    this.token = token;
    this.outcome = outcome;
    this.#newcomers = unshareable ? "all" : failed === true ? "none" : "fresh";
    this.#settledAtUs = settledAtUs;
  }

  isFor({ firstGrant, freshMs }: JoinRequest, nowUs: number): boolean {
    // A later flight than the one first followed will do: it cannot have settled before that caller came.
    if (firstGrant !== undefined) return grantOf(this.token) >= firstGrant;
    const ageMs = this.#ageMs(nowUs);
    if (ageMs === UNKNOWN_AGE_MS || this.#newcomers === "none") return false;
    return this.#newcomers === "all" || ageMs < freshMs;
  }

  reply(nowUs: number): JoinReply {
    return {
      status: "settled",
      token: this.token,
      outcome: this.outcome,
      ageMs: Math.floor(this.#ageMs(nowUs)),
    };
  }

  #ageMs(nowUs: number): number {
    return nowUs < this.#settledAtUs ? UNKNOWN_AGE_MS : (nowUs - this.#settledAtUs) / 1_000;
  }
}
