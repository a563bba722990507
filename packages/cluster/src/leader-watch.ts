/**
 * Notices that a leader's inbox has no listener: the cheap and fast sign of a dead process. One question per sample
 * covers all leaders that this process follows. An empty inbox alone is neither death (a reconnect empties it for a
 * while) nor its absence life (a stopped process keeps it); whoever listens here also looks at the beat.
 */
import { background } from "@skein/core/internal";
import type { Clock, Timer } from "@skein/core";

export interface WatchListener {
  /** The first empty sample. Read the beat, then call `confirm()`: the grace runs from there. */
  onSuspect(): void;
  /** Empty in every sample of the whole grace since `confirm()`. */
  onSilent(): void;
}

/** For each process, whether somebody listens to its inbox; undefined when that can never be known. */
export type SampleInboxes = (processes: readonly string[]) => Promise<readonly boolean[] | undefined>;

export class LeaderWatch {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sample: SampleInboxes;
  readonly #watches = new Set<Watch>();
  #timer: Timer | undefined;
  #sampling = false;
  /** It can never be known who listens. */
  #blind = false;

  constructor(clock: Clock, graceMs: number, sample: SampleInboxes) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#sample = sample;
  }

  watch(process: string, listener: WatchListener): Watch {
    const watch = new Watch(this, process, listener);
    this.#watches.add(watch);
    this.#schedule();
    return watch;
  }

  /** @internal */
  stop(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** @internal */
  now(): number {
    return this.#clock.now();
  }

  #schedule(): void {
    if (this.#blind || this.#timer !== undefined || this.#sampling || this.#watches.size === 0) return;
    this.#timer = this.#clock.setTimer(() => background(this.#look()), this.#graceMs / 4, { unref: true });
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#sampling = true;
    const processes = [...new Set(Array.from(this.#watches, (watch) => watch.process))];
    const heard = new Map<string, boolean>();
    try {
      const answers = await this.#sample(processes);
      this.#blind = answers === undefined;
      processes.forEach((process, index) => heard.set(process, answers?.[index] ?? true));
    } catch {
      // Not knowing is no evidence: the grace starts again with the next empty sample.
    }
    this.#sampling = false;
    for (const watch of Array.from(this.#watches)) {
      watch.take(heard.get(watch.process) ?? true, this.#graceMs);
    }
    this.#schedule();
  }
}

/** One leader under watch. */
export class Watch {
  readonly process: string;
  readonly #watcher: LeaderWatch;
  readonly #listener: WatchListener;
  #suspected = false;
  #confirmedAt: number | undefined;

  constructor(watcher: LeaderWatch, process: string, listener: WatchListener) {
    this.#watcher = watcher;
    this.process = process;
    this.#listener = listener;
  }

  /**
   * The beat has been read. The grace runs from the first time, and anew when the beat has `moved`. Does nothing unless
   * the leader is suspected.
   */
  confirm(moved: boolean = false): void {
    if (!this.#suspected) return;
    if (moved || this.#confirmedAt === undefined) this.#confirmedAt = this.#watcher.now();
  }

  stop(): void {
    this.#watcher.stop(this);
  }

  take(heard: boolean, graceMs: number): void {
    if (heard) {
      this.#suspected = false;
      this.#confirmedAt = undefined;
    } else if (!this.#suspected) {
      this.#suspected = true;
      this.#listener.onSuspect();
    } else if (this.#confirmedAt !== undefined && this.#watcher.now() - this.#confirmedAt >= graceMs) {
      this.#confirmedAt = undefined;
      this.#suspected = false;
      this.#listener.onSilent();
    }
  }
}
