/**
 * In which order the servers of a quorum are asked for a key: the same in every process, so that those who ask for one key
 * meet at one server and are elected there one after the other. Keys are spread over the servers. One that is slow beside
 * its peers comes last; processes may differ about that for a moment, and then the lock decides between them.
 */
import { crc32 } from "node:zlib";
import type { FlightName } from "../flight-keys.ts";
import { majorityOf } from "./majority.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** Slower than a majority by this factor is slow. */
const SLOWER_BY = 3;

export class HomeOrder {
  readonly #nodes: readonly QuorumNode[];
  readonly #unnoticedMs: number;

  /** Every process of the deployment names the servers in the same order. `unnoticedMs`: nobody is held for slower. */
  constructor(nodes: readonly QuorumNode[], unnoticedMs: number) {
    this.#nodes = nodes;
    this.#unnoticedMs = unnoticedMs;
  }

  /** The key's home first. */
  of({ id }: FlightName): readonly QuorumNode[] {
    const first = crc32(id) % this.#nodes.length;
    return [...this.#nodes.slice(first), ...this.#nodes.slice(0, first)];
  }

  /** Those that can be asked now, the slow ones last. */
  usable(flight: FlightName): readonly QuorumNode[] {
    const limitMs = this.patienceMs;
    const usable = this.of(flight).filter((node) => node.canBeAsked(flight));
    const slow = usable.filter(({ expectedMs }) => expectedMs > limitMs);
    return [...usable.filter((node) => !slow.includes(node)), ...slow];
  }

  /** Slow beside its peers. */
  lags({ expectedMs }: QuorumNode): boolean {
    return expectedMs > this.patienceMs;
  }

  /** How long it makes sense to wait for one server, when the others have answered. */
  get patienceMs(): number {
    const expected = this.#nodes.map(({ expectedMs }) => expectedMs).toSorted((a, b) => a - b);
    const typicalMs = expected[majorityOf(expected.length) - 1] ?? 0;
    return Math.max(this.#unnoticedMs, typicalMs * SLOWER_BY);
  }
}
