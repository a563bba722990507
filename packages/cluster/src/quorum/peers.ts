/** The servers of a quorum together: asked all at once, and those that lag are not waited for. */
import type { Clock } from "@skein/core";
import { collect } from "./answers.ts";
import { HomeOrder } from "./home-order.ts";
import { majorityOf } from "./majority.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** A server that is slower than its peers by less than this share of `redisTimeoutMs` is not passed over. */
const UNNOTICED = 0.1;

export interface PeersOptions {
  readonly nodes: readonly QuorumNode[];
  readonly clock: Clock;
  readonly redisTimeoutMs: number;
}

export class Peers {
  readonly nodes: readonly QuorumNode[];
  readonly majority: number;
  readonly order: HomeOrder;
  readonly #clock: Clock;

  constructor({ nodes, clock, redisTimeoutMs }: PeersOptions) {
    this.nodes = nodes;
    this.majority = majorityOf(nodes.length);
    this.order = new HomeOrder(nodes, redisTimeoutMs * UNNOTICED);
    this.#clock = clock;
  }

  others(home: QuorumNode): readonly QuorumNode[] {
    return this.nodes.filter((node) => node !== home);
  }

  /** Asks all; a majority of answers is enough. */
  askAll<T>(attempt: (node: QuorumNode) => Promise<T>): Promise<(T | Error)[]> {
    return this.collect(this.nodes, this.nodes.map(attempt), (heard) => this.isMajority(heard));
  }

  /** What `nodes` answer, without those that are still missing for `patienceMs` when the others are `enough`. */
  collect<T>(
    nodes: readonly QuorumNode[],
    asked: readonly Promise<T>[],
    enough: (heard: readonly (T | Error)[]) => boolean,
    patienceMs: number = this.order.patienceMs,
  ): Promise<(T | Error)[]> {
    return collect(asked, {
      clock: this.#clock,
      enough,
      lags: (index) => nodes[index] === undefined || this.order.lags(nodes[index]),
      patienceMs,
    });
  }

  isMajority(heard: readonly unknown[]): boolean {
    return heard.filter((answer) => !(answer instanceof Error)).length >= this.majority;
  }
}
