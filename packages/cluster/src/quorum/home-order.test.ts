import { describe, expect, it } from "vitest";
import { flightKeys } from "../flight-keys.ts";
import { HomeOrder } from "./home-order.ts";
import type { QuorumNode } from "./quorum-node.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");

function serverAt(expectedMs: number, canBeAsked: boolean = true): QuorumNode {
  return { expectedMs, canBeAsked: () => canBeAsked } as unknown as QuorumNode;
}

/** The places, in the order of the key, of those that are asked. */
function asked(nodes: readonly QuorumNode[]): number[] {
  const order = new HomeOrder(nodes, 25);
  const all = order.of(flight);
  return order.usable(flight).map((node) => all.indexOf(node));
}

describe("the servers of a key", () => {
  it("are asked in one order while they are about equally quick", () => {
    expect(asked([0, 5, 24].map((ms) => serverAt(ms)))).toEqual([0, 1, 2]);
    expect(asked([90, 60, 140].map((ms) => serverAt(ms)))).toEqual([0, 1, 2]);
  });

  it.each([0, 1, 2])("are asked last if they are slow beside the others (number %i)", (slow) => {
    const nodes = [0, 1, 2].map((index) => serverAt(index === slow ? 300 : 2));
    const last = new HomeOrder(nodes, 25).of(flight).indexOf(nodes[slow] as QuorumNode);
    expect(asked(nodes)).toEqual([...[0, 1, 2].filter((place) => place !== last), last]);
  });

  it("are left out if they cannot be asked", () => {
    const nodes = [serverAt(0), serverAt(0, false), serverAt(0)];
    const gone = new HomeOrder(nodes, 25).of(flight).indexOf(nodes[1] as QuorumNode);
    expect(asked(nodes)).toEqual([0, 1, 2].filter((place) => place !== gone));
  });
});
