/** One attempt of one process to take part in a flight; a token names the attempt that was elected. */
import type { Claim } from "../coordinator.ts";
import { parseToken } from "../fencing-token.ts";

export interface Attempt {
  readonly process: string;
  readonly nonce: string;
}

/** The attempt that a claim stands for. */
export function attemptOf(process: string, claim: Claim): Attempt {
  return { process, nonce: "nonce" in claim ? claim.nonce : (parseToken(claim.token)?.nonce ?? "") };
}

export function isAttempt(token: string | undefined, { process, nonce }: Attempt): boolean {
  const parts = token === undefined ? undefined : parseToken(token);
  return parts?.process === process && parts.nonce === nonce;
}

/** The process that a token elected; "", which is nobody, for text that is not a token. */
export function leaderOf(token: string): string {
  return parseToken(token)?.process ?? "";
}
