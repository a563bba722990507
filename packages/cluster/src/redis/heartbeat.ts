/**
 * Notices a connection that is open but dead: a vanished host or a silent network closes no socket. Asks at a steady
 * pace, and reports silence when nothing at all was heard for too long. It never judges by a clock that ran on while
 * this process did not: a question must have been open for a while, and input already received is read first.
 */
import type { Clock, Timer } from "@skein/core";

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly silenceLimitMs: number;
  /** Asks for a sign of life. Its reply need not be reported; whatever arrives is. */
  readonly ask: () => void;
  readonly onSilence: () => void;
}

/** At least this often within the silence limit. */
const QUESTIONS_PER_LIMIT = 3;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #everyMs: number;
  #timer: Timer | undefined;
  #beating = false;
  #lastHeardAt: number;
  /** When the question still open was asked. */
  #askedAt: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#everyMs = Math.min(options.everyMs, options.silenceLimitMs / QUESTIONS_PER_LIMIT);
    this.#lastHeardAt = options.clock.now();
  }

  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  /** A connection was established and its handshake is being sent. */
  start(): void {
    this.stop();
    const now = this.#options.clock.now();
    this.#beating = true;
    this.#lastHeardAt = now;
    this.#askedAt = now;
    this.#wakeIn(this.#everyMs);
  }

  stop(): void {
    this.#beating = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Something was received. Called for every chunk, so it only takes notes. */
  heard(): void {
    this.#lastHeardAt = this.#options.clock.now();
    this.#askedAt = undefined;
  }

  #beat(): void {
    const now = this.#options.clock.now();
    if (this.#askedAt === undefined) {
      this.#askedAt = now;
      this.#options.ask();
    }
    const due = this.#dueAt(this.#askedAt);
    if (now < due) this.#wakeIn(Math.min(this.#everyMs, due - now));
    else this.#options.clock.nextPoll(() => this.#judge());
  }

  #judge(): void {
    if (!this.#beating) return;
    const now = this.#options.clock.now();
    if (this.#askedAt === undefined || now < this.#dueAt(this.#askedAt)) this.#wakeIn(this.#everyMs);
    else this.#options.onSilence();
  }

  #dueAt(askedAt: number): number {
    return Math.max(this.#lastHeardAt + this.#options.silenceLimitMs, askedAt + this.#everyMs);
  }

  #wakeIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => this.#beat(), Math.max(1, delayMs), { unref: true });
  }
}
