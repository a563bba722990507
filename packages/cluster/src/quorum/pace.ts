/**
 * How long one server of a quorum takes to answer, to be compared with its peers. A question that is open counts as an
 * answer that takes as long, so a server that hangs is noticed by whoever asks next and not by a time limit. Time in
 * which this process could not read does not count. Not promised: that a slow answer was the server's fault.
 */
import type { Clock } from "@skein/core";

export interface PaceOptions {
  readonly clock: Clock;
  /** How much of the last so many ms this process was too busy to read answers. */
  readonly stalledWithin: (periodMs: number) => number;
}

/** One question to the server. One of its ends is told, once. */
export interface Question {
  /** Whatever it said. */
  answered(): void;
  /** Whoever asked waits no longer. */
  unanswered(): void;
  /** It says nothing about the server: this process was busy. */
  withdrawn(): void;
  /** The connection is gone; the next one begins anew. */
  lost(): void;
}

export class Pace {
  readonly #options: PaceOptions;
  /** When each was asked, the oldest first. */
  readonly #open = new Set<{ readonly askedAt: number }>();
  #tookMs = 0;
  /** Asked then, given up since, and nothing heard. */
  #silentSince: number | undefined;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  ask(): Question {
    const { clock } = this.#options;
    const question = { askedAt: clock.now() };
    this.#open.add(question);
    return {
      answered: () => {
        this.#open.delete(question);
        this.#silentSince = undefined;
        // Half of it is new: one hiccup is soon forgotten, and so is a bad time.
        this.#tookMs = (this.#tookMs + this.#sinceMs(question.askedAt)) / 2;
      },
      unanswered: () => {
        this.#open.delete(question);
        this.#silentSince ??= question.askedAt;
      },
      withdrawn: () => void this.#open.delete(question),
      lost: () => {
        this.#open.delete(question);
        this.#silentSince = undefined;
        this.#tookMs = 0;
      },
    };
  }

  /** How long an answer to a question of now is likely to take, at least. */
  get expectedMs(): number {
    const [oldest] = this.#open;
    const since = this.#silentSince ?? oldest?.askedAt;
    return since === undefined ? this.#tookMs : Math.max(this.#tookMs, this.#sinceMs(since));
  }

  #sinceMs(moment: number): number {
    const { clock, stalledWithin } = this.#options;
    const elapsedMs = clock.now() - moment;
    return Math.max(0, elapsedMs - stalledWithin(elapsedMs));
  }
}
