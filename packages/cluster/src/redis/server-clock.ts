/**
 * What the server's clock says, estimated from its replies, so that a join can carry a deadline that the server can
 * check. Not promised: accuracy. An estimate is off by at most half a round trip, and wrong after the server's clock
 * jumped until the next reply.
 */
import type { Clock } from "@skein/core";

/** After this long a worse sample replaces a better one: clocks drift. */
const SAMPLE_LIFE_MS = 10_000;
/** Two clocks drift apart by no more than this within the life of a sample. */
const MAX_DRIFT_MS = 10;

interface Sample {
  readonly offsetUs: number;
  readonly roundTripMs: number;
  readonly takenAt: number;
}

export class ServerClock {
  readonly #clock: Clock;
  #best: Sample | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Server time in microseconds at `momentMs` of the local clock; `undefined` before the first reply. */
  at(momentMs: number): number | undefined {
    return this.#best === undefined ? undefined : momentMs * 1_000 + this.#best.offsetUs;
  }

  /** Learns from a reply that carried server time to a request sent at `sentAt`. */
  learn(serverUs: number, sentAt: number): void {
    if (!Number.isFinite(serverUs) || serverUs <= 0) return;
    const now = this.#clock.now();
    const sample = {
      offsetUs: serverUs - ((sentAt + now) / 2) * 1_000,
      roundTripMs: now - sentAt,
      takenAt: now,
    };
    if (this.#best === undefined || sample.roundTripMs <= this.#best.roundTripMs) this.#best = sample;
    else if (now - this.#best.takenAt >= SAMPLE_LIFE_MS || disagree(this.#best, sample)) this.#best = sample;
  }

  /** The estimate proved wrong: the next sample counts, however slow its round trip. */
  doubt(): void {
    this.#best = undefined;
  }
}

/** Each sample is right to within half its round trip: if they differ by more, the server's clock has jumped. */
function disagree(one: Sample, other: Sample): boolean {
  const errorMs = (one.roundTripMs + other.roundTripMs) / 2 + MAX_DRIFT_MS;
  return Math.abs(one.offsetUs - other.offsetUs) > errorMs * 1_000;
}
