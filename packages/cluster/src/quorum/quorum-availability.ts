/** Whether it makes sense to ask a quorum: a majority of its servers can be asked. Each knows for itself how it fares. */
import type { FallbackReason } from "@skein/core";
import type { Availability, JoinFailure } from "../fleet.ts";
import { CommandFailure } from "../redis/connection.ts";
import { agree, majorityOf } from "./majority.ts";

export class QuorumAvailability implements Availability {
  readonly #nodes: readonly Availability[];

  constructor(nodes: readonly Availability[]) {
    this.#nodes = nodes;
  }

  obstacle(): FallbackReason | undefined {
    return ofMajority(this.#nodes.map((node) => node.obstacle()));
  }

  peek(): FallbackReason | undefined {
    return ofMajority(this.#nodes.map((node) => node.peek()));
  }

  get up(): boolean {
    let up = 0;
    for (const node of this.#nodes) if (node.up) up += 1;
    return up >= majorityOf(this.#nodes.length);
  }

  whenUp(deadline: number): Promise<boolean> {
    return agree(
      this.#nodes.map((node) => node.whenUp(deadline)),
      majorityOf(this.#nodes.length),
    );
  }

  /** Each server has heard what came of what it was asked. */
  succeeded(): void {}

  failed(error: unknown): JoinFailure {
    if (!(error instanceof CommandFailure)) return { reason: "refused", sent: true };
    return { reason: error.kind, sent: error.sent };
  }
}

/** None, if a majority has none. */
function ofMajority(obstacles: readonly (FallbackReason | undefined)[]): FallbackReason | undefined {
  const found = obstacles.filter((obstacle) => obstacle !== undefined);
  return obstacles.length - found.length >= majorityOf(obstacles.length) ? undefined : found[0];
}
