/**
 * Calls without a pause, spread over coalescers and keys, each of which has to be answered with what its work yields. Not
 * more than a slow machine answers: what is claimed is about servers, and a crowd that grows and grows is not.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterSingleflight } from "@skein/cluster";
import { Recurring } from "@skein/testkit";

const EVERY_MS = 10;
const WORK_MS = 15;
/** Three times as many as there are at a time where nothing is wrong. */
const MAX_UNDER_WAY = 100;
/** Whatever happens to Redis: connection, join and silence limit have passed long since. */
const ANSWERED_WITHIN_MS = 20_000;

export interface LoadReport {
  readonly calls: number;
  readonly executions: number;
  /** Calls that were not answered in time, or not with their value. */
  readonly lost: readonly string[];
  readonly fallbacks: Readonly<Record<string, number>>;
}

export class Load {
  readonly #calls: Promise<void>[] = [];
  readonly #lost: string[] = [];
  readonly #fallbacks: Record<string, number> = {};
  readonly #running: Recurring;
  #executions = 0;
  #underWay = 0;

  constructor(fleet: readonly ClusterSingleflight[], keys: readonly string[]) {
    this.#running = Recurring.start(EVERY_MS, () => {
      if (this.#underWay > MAX_UNDER_WAY) return;
      for (const key of keys) for (const flights of fleet) this.#calls.push(this.#call(flights, key));
    });
  }

  get calls(): number {
    return this.#calls.length;
  }

  /** No further calls; all of them answered, or lost. */
  async end(): Promise<LoadReport> {
    await this.#running.stop();
    await Promise.all(this.#calls);
    const { calls } = this;
    return { calls, executions: this.#executions, lost: this.#lost, fallbacks: this.#fallbacks };
  }

  async #call(flights: ClusterSingleflight, key: string): Promise<void> {
    this.#underWay++;
    try {
      const { value, fallbackReason } = await flights.fly(
        key,
        async () => {
          this.#executions++;
          await sleep(WORK_MS);
          return `value of ${key}`;
        },
        { timeoutMs: ANSWERED_WITHIN_MS },
      );
      if (value !== `value of ${key}`) this.#lost.push(`${key}: ${value}`);
      if (fallbackReason) this.#fallbacks[fallbackReason] = (this.#fallbacks[fallbackReason] ?? 0) + 1;
    } catch (error) {
      this.#lost.push(`${key}: ${String(error)}`);
    } finally {
      this.#underWay--;
    }
  }
}
