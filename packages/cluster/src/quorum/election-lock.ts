/**
 * The lock under which one process at a time is made leader of a key on all servers, by the package `redlock`. Version 4
 * of it: the later ones are betas whose types cannot be resolved under `nodenext`, and that throw when a lock has ended
 * before it is released. Held for the moment of an election only; leadership is kept by our own leases.
 *
 * What redlock asks goes over our connections, and it is spared waiting for the slow: see `ballot.ts`. Not promised:
 * exclusion beyond what the servers' clocks and the lock's time allow; an election needs a majority of leases besides.
 */
import { background } from "@skein/core/internal";
import Redlock from "redlock";
import { Ballot, type BallotOptions } from "./ballot.ts";

export interface ElectionTerms extends BallotOptions {
  readonly ttlMs: number;
}

/** Runs `election` under the lock; `undefined` when a majority did not grant it in time. */
export async function underElectionLock<T>(
  { ttlMs, ...terms }: ElectionTerms,
  election: () => Promise<T>,
): Promise<T | undefined> {
  const ballot = new Ballot(terms);
  // Tried once: whoever loses follows, or comes again.
  const redlock = new Redlock(ballot.voters, { retryCount: 0, unlockScript: ballot.takeBackWith });
  // A server that does not answer is a vote that is missing, and nobody's error.
  redlock.on("clientError", () => undefined);
  let lock: Redlock.Lock;
  try {
    lock = await redlock.lock(terms.flight.lockKey, ttlMs);
  } catch {
    return undefined;
  }
  try {
    return await election();
  } finally {
    background(Promise.resolve(lock.unlock()));
  }
}
