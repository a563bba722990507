// One thing that happens to the deployment, its figures, and what they should have been.

import type { LoadCall } from "../../service/load.ts";
import { percentile } from "../percentile.ts";

export interface Episode {
  readonly name: string;
  /** As printed by --json. */
  readonly figures: Readonly<Record<string, number>>;
  /** A plain sentence for each promise that was not kept. */
  readonly broken: readonly string[];
}

/** Collects figures and complaints. */
export class EpisodeRecord {
  readonly #name: string;
  readonly #figures: Record<string, number> = {};
  readonly #broken: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  figure(name: string, value: number): void {
    this.#figures[name] = Math.round(value);
  }

  expect(kept: boolean, complaint: string): void {
    if (!kept) this.#broken.push(`${this.#name}: ${complaint}`);
  }

  /** What every episode promises: an answer for everybody; at the first attempt, unless a replica was killed. */
  calls(calls: readonly LoadCall[], { isKill = false }: { isKill?: boolean } = {}): void {
    const failures = calls.flatMap(({ failure }) => failure ?? []);
    const latencies = calls.map(({ latencyMs }) => latencyMs);
    this.figure("requests", calls.length);
    this.figure("failed", failures.length);
    const retried = calls.filter(({ retries }) => retries > 0).length;
    this.figure("retried", retried);
    this.expect(isKill || retried === 0, `${retried} calls had to be asked of another replica again`);
    this.figure("p50Ms", percentile(latencies, 50));
    this.figure("p99Ms", percentile(latencies, 99));
    for (const failure of new Set(failures)) this.expect(false, failure);
  }

  end(): Episode {
    return { name: this.#name, figures: this.#figures, broken: this.#broken };
  }
}
