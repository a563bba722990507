/**
 * In which order the servers of a quorum are asked for a key: the same in every process, so that those who ask for one key
 * meet at one server and are elected there one after the other. Keys are spread over the servers.
 */
import { crc32 } from "node:zlib";
import type { FlightName } from "../flight-keys.ts";
import type { QuorumNode } from "./quorum-node.ts";

export class HomeOrder {
  readonly #nodes: readonly QuorumNode[];

  /** Every process of the deployment names the servers in the same order. */
  constructor(nodes: readonly QuorumNode[]) {
    this.#nodes = nodes;
  }

  /** The key's home first. */
  of({ id }: FlightName): readonly QuorumNode[] {
    const first = crc32(id) % this.#nodes.length;
    return [...this.#nodes.slice(first), ...this.#nodes.slice(0, first)];
  }

  /** Those that can be asked now. */
  usable(flight: FlightName): readonly QuorumNode[] {
    return this.of(flight).filter((node) => {
      const availability = node.availabilityOf(flight);
      return availability.obstacle() === undefined && availability.up;
    });
  }
}
