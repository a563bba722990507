/** Does something again and again while a test runs: kills connections, flushes scripts, sends commands. */
import { setTimeout as sleep } from "node:timers/promises";

export class Recurring implements AsyncDisposable {
  /** How often it was done, failures included. */
  count = 0;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  private constructor(everyMs: () => number, action: () => unknown) {
    this.#running = this.#run(everyMs, action);
    // Told by `stop`, which may be called much later.
    this.#running.catch(() => undefined);
  }

  /**
   * Does `action` at once and then every `everyMs` (a number, or a function asked each time), never two at a time. The
   * first failure ends it; `stop` rejects with it.
   */
  static start(everyMs: number | (() => number), action: () => unknown): Recurring {
    return new Recurring(typeof everyMs === "number" ? () => everyMs : everyMs, action);
  }

  /** Resolves when the action under way is over. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(everyMs: () => number, action: () => unknown): Promise<void> {
    const { signal } = this.#stopping;
    // So that the action can use the constant that we are assigned to.
    await Promise.resolve();
    while (!signal.aborted) {
      this.count++;
      await action();
      await sleep(everyMs(), undefined, { signal }).catch(() => undefined);
    }
  }
}
