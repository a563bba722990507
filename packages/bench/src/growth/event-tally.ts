/** How often each event was told, and who waits for how many: on the word, since looking again and again costs time, too. */
import type { ClusterEvent } from "@skein/cluster";
import type { Observer } from "@skein/core";

const PATIENCE_MS = 120_000;

interface Expectation {
  readonly type: ClusterEvent["type"];
  readonly count: number;
  readonly onReached: () => void;
}

export class EventTally implements Observer<ClusterEvent> {
  readonly #counts = new Map<ClusterEvent["type"], number>();
  readonly #expectations = new Set<Expectation>();

  onEvent({ type }: ClusterEvent): void {
    const count = this.count(type) + 1;
    this.#counts.set(type, count);
    for (const expectation of this.#expectations) {
      if (expectation.type === type && expectation.count <= count) expectation.onReached();
    }
  }

  count(type: ClusterEvent["type"]): number {
    return this.#counts.get(type) ?? 0;
  }

  /** @throws (as a rejection) after two minutes. */
  async reaches(type: ClusterEvent["type"], count: number): Promise<void> {
    if (this.count(type) >= count) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const expectation: Expectation = { type, count, onReached: resolve };
    const timer = setTimeout(() => {
      reject(new Error(`Waited ${PATIENCE_MS} ms for ${count} ${type}; ${this.count(type)} came.`));
    }, PATIENCE_MS);
    this.#expectations.add(expectation);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#expectations.delete(expectation);
    }
  }
}
