/** Coalescers of one process over one Redis, each with connections and an identity of its own, and what they do on command. */
import { ClusterSingleflight } from "@skein/cluster";
import { EventTally } from "./event-tally.ts";

/** Whatever is asked of it, this Redis is only busy. */
const REDIS_TIMEOUT_MS = 60_000;
/** A renewal, a poll or a takeover is not to come in between, except where it is what is measured. */
const LONG_MS = 600_000;
const MAX_POLL_EVERY_MS = 60_000;
export const VALUE = "x".repeat(200);

export interface InstanceTimes {
  readonly leaseMs?: number;
  readonly pollEveryMs?: number;
  readonly retainMs?: number;
}

/** Flights of these keys under way, which end with `land`. */
export interface UnderWay {
  /** What every caller waits for; resolves when all are answered and the outcomes are written. */
  land(value: string): Promise<void>;
}

export class Instances {
  readonly tally = new EventTally();
  readonly #url: string;
  readonly #members: ClusterSingleflight[] = [];
  #batches = 0;

  constructor(url: string) {
    this.#url = url;
  }

  async open({ leaseMs = LONG_MS, pollEveryMs, retainMs }: InstanceTimes = {}): Promise<ClusterSingleflight> {
    const kept = retainMs === undefined ? {} : { retainMs };
    const flights = new ClusterSingleflight({
      redis: this.#url,
      prefixes: { "k:": { leaseMs, maxAgeMs: LONG_MS, waitTimeoutMs: 2 * LONG_MS, ...kept } },
      maxEntries: 1_000_000,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      pollEveryMs: pollEveryMs ?? MAX_POLL_EVERY_MS,
      observer: this.tally,
    });
    await flights.ready();
    return flights;
  }

  /** The same ones every time. */
  async upTo(count: number): Promise<readonly ClusterSingleflight[]> {
    while (this.#members.length < count) this.#members.push(await this.open());
    return this.#members.slice(0, count);
  }

  async only(): Promise<ClusterSingleflight> {
    const [first] = await this.upTo(1);
    if (first === undefined) throw new Error("unreachable");
    return first;
  }

  /** New keys. */
  keys(count: number): readonly string[] {
    const batch = ++this.#batches;
    return Array.from({ length: count }, (_, key) => `k:${batch}:${key}`);
  }

  /** Flights led from beginning to end, all at once, their settlements included. */
  async lead(flights: ClusterSingleflight, keys: readonly string[], callers: number = 1): Promise<void> {
    const settled = this.tally.count("settle-accepted") + keys.length;
    const calls: Promise<string>[] = [];
    for (const key of keys) {
      for (let caller = 0; caller < callers; caller++) calls.push(flights.do(key, () => VALUE));
    }
    await Promise.all(calls);
    await this.tally.reaches("settle-accepted", settled);
  }

  /** Resolves when `leader` leads a flight of every key. */
  async begin(leader: ClusterSingleflight, keys: readonly string[], callers: number = 1): Promise<UnderWay> {
    const outcome = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    let left = keys.length;
    const work = (): Promise<string> => {
      if (--left === 0) begun.resolve();
      return outcome.promise;
    };
    const answers = Promise.all(
      keys.flatMap((key) => Array.from({ length: callers }, async () => leader.do(key, work))),
    );
    await begun.promise;
    return {
      land: async (value) => {
        const settled = this.tally.count("settle-accepted") + keys.length;
        outcome.resolve(value);
        await answers;
        await this.tally.reaches("settle-accepted", settled);
      },
    };
  }

  /** Resolves when `follower` follows a flight of every key; `answered` when its callers have been. */
  async follow(
    follower: ClusterSingleflight,
    keys: readonly string[],
    callers: number = 1,
  ): Promise<{ readonly answered: Promise<void> }> {
    const following = this.tally.count("follow") + keys.length;
    const answers = Promise.all(
      keys.flatMap((key) => Array.from({ length: callers }, async () => follower.do(key, () => "own"))),
    );
    await this.tally.reaches("follow", following);
    return { answered: answers.then(() => undefined) };
  }
}
