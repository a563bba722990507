/**
 * Plays a range of seeds on several threads. Ranges are handed out in order; a campaign that was stopped goes on where
 * every seed below has been played. Not promised: in which order failures are found.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

const WORKER = new URL("seed-worker.ts", import.meta.url);
/** Few enough that the threads end at about the same time. */
const LONGEST_RANGE = 50;

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface SeedReport {
  readonly seed: number;
  readonly digest: string;
  readonly violations: readonly string[];
}

export interface RangeReport extends Range {
  readonly failures: readonly SeedReport[];
}

export interface Progress {
  /** Seeds played by this campaign. */
  readonly played: number;
  /** Every seed below has been played. */
  readonly next: number;
  readonly failures: readonly SeedReport[];
}

export interface CampaignOptions extends Range {
  /** Default: all cores. */
  readonly threads?: number;
  /** Gives up when so many seeds have failed. Default 1. */
  readonly maxFailures?: number;
  readonly onProgress?: (progress: Progress) => void;
}

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #failures: SeedReport[] = [];
  readonly #done = new Map<number, number>();
  #nextRange: number;
  #next: number;
  #played = 0;
  #stopped = false;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#nextRange = options.from;
    this.#next = options.from;
  }

  /** @throws what a seed made a thread fail with, naming the range. */
  async run(): Promise<Progress> {
    const { threads = availableParallelism(), from, to } = this.#options;
    const useful = Math.min(threads, Math.ceil((to - from + 1) / LONGEST_RANGE));
    await Promise.all(Array.from({ length: useful }, () => this.#keepPlaying()));
    return this.#progress;
  }

  /** Ends what is under way, and begins nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  get #progress(): Progress {
    const failures = this.#failures.toSorted((a, b) => a.seed - b.seed);
    return { played: this.#played, next: this.#next, failures };
  }

  async #keepPlaying(): Promise<void> {
    const worker = new Worker(WORKER);
    try {
      for (let range = this.#take(); range !== undefined; range = this.#take()) {
        this.#note(await playRange(worker, range));
      }
    } finally {
      await worker.terminate();
    }
  }

  #take(): Range | undefined {
    const { to, maxFailures = 1 } = this.#options;
    if (this.#stopped || this.#nextRange > to || this.#failures.length >= maxFailures) return undefined;
    const from = this.#nextRange;
    this.#nextRange = Math.min(to, from + LONGEST_RANGE - 1) + 1;
    return { from, to: this.#nextRange - 1 };
  }

  #note({ from, to, failures }: RangeReport): void {
    this.#played += to - from + 1;
    this.#failures.push(...failures);
    this.#done.set(from, to);
    for (let end = this.#done.get(this.#next); end !== undefined; end = this.#done.get(this.#next)) {
      this.#done.delete(this.#next);
      this.#next = end + 1;
    }
    this.#options.onProgress?.(this.#progress);
  }
}

function playRange(worker: Worker, range: Range): Promise<RangeReport> {
  const { promise, resolve, reject } = Promise.withResolvers<RangeReport>();
  const fail = (error: unknown): void => {
    reject(new Error(`a seed from ${range.from} to ${range.to} made its thread fail`, { cause: error }));
  };
  worker.once("error", fail);
  worker.once("message", (report: RangeReport) => {
    worker.off("error", fail);
    resolve(report);
  });
  worker.postMessage(range);
  return promise;
}
