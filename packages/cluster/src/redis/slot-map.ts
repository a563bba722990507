/**
 * Which node of a Redis Cluster answers for which slot, as far as this process has heard. Not promised: that it is still
 * so; a node that is asked for what it no longer has says where to go.
 */
import { SLOTS } from "./hash-slot.ts";

/** `<host>:<port>`. */
export type NodeName = string;

export class SlotMap {
  readonly #primaries = Array.from<NodeName | undefined>({ length: SLOTS });
  #known = false;

  /** Some node has told of all slots. */
  get known(): boolean {
    return this.#known;
  }

  /** Who answers for this slot; `undefined`: nobody, or unknown. */
  at(slot: number): NodeName | undefined {
    return this.#primaries[slot];
  }

  /** A node has said that another has this slot. */
  learn(slot: number, address: NodeName): void {
    this.#primaries[slot] = address;
  }

  /** Takes a reply to CLUSTER SLOTS. @returns false if it says nothing. */
  take(reply: unknown, askedHost: string, addressOf: (host: string, port: number) => NodeName): boolean {
    if (!Array.isArray(reply) || reply.length === 0) return false;
    const ranges = reply.flatMap((range) => readRange(range, askedHost, addressOf));
    if (ranges.length === 0) return false;
    this.#primaries.fill(undefined);
    for (const { first, last, primary } of ranges) this.#primaries.fill(primary, first, last + 1);
    this.#known = true;
    return true;
  }

  /** Those that answer for a slot. */
  primaries(): ReadonlySet<NodeName> {
    return new Set(this.#primaries.filter((address) => address !== undefined));
  }

  /** Some slot has nobody. */
  get hasGaps(): boolean {
    return this.#primaries.includes(undefined);
  }
}

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly primary: NodeName;
}

function readRange(
  range: unknown,
  askedHost: string,
  addressOf: (host: string, port: number) => NodeName,
): SlotRange[] {
  if (!Array.isArray(range)) return [];
  const [first, last, node] = range as unknown[];
  if (!isSlot(first) || !isSlot(last) || !Array.isArray(node)) return [];
  const [host, port] = node as unknown[];
  if (typeof port !== "number") return [];
  // A node that does not know its own name means: where you found me.
  const name = typeof host === "string" && host !== "" && host !== "?" ? host : askedHost;
  return [{ first, last, primary: addressOf(name, port) }];
}

function isSlot(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < SLOTS;
}
