import { FakeClock, SeededRandom } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { Coordinator, SettleReply } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import { HomeOrder } from "./home-order.ts";
import { QuorumCoordinator } from "./quorum-coordinator.ts";
import type { QuorumNode } from "./quorum-node.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");
const ACCEPTED: SettleReply = { status: "accepted", woken: 0, unwoken: 0 };
const FENCED: SettleReply = { status: "fenced" };
const settle = {
  flight,
  claim: { token: "1-p-n" },
  outcome: Buffer.from("outcome"),
  unshareable: false,
  retainMs: 5_000,
  inlineMaxBytes: 0,
};

/** A server that was told of an outcome answers when, and as, it is told. */
class Told {
  readonly #answer = Promise.withResolvers<SettleReply>();
  told = 0;

  readonly node = {
    use: (_flight: unknown, attempt: (coordinator: Coordinator) => Promise<unknown>) => {
      return attempt({ settle: () => this.#hear() } as unknown as Coordinator);
    },
    canBeAsked: () => true,
    expectedMs: 0,
    vote: () => Promise.reject(new Error("nobody is elected here")),
  } as unknown as QuorumNode;

  answer(reply: SettleReply): void {
    this.#answer.resolve(reply);
  }

  #hear(): Promise<SettleReply> {
    this.told += 1;
    return this.#answer.promise;
  }
}

/** The key's home first. */
function quorumOfThree(): { coordinator: QuorumCoordinator; servers: readonly [Told, Told, Told] } {
  const all = [new Told(), new Told(), new Told()];
  const nodes = all.map(({ node }) => node);
  const order = new HomeOrder(nodes, 25).of(flight).map((node) => all.find((told) => told.node === node));
  const randomness = new SeededRandom("quorum");
  const coordinator = new QuorumCoordinator({
    nodes,
    clock: new FakeClock(),
    randomness,
    redisTimeoutMs: 250,
  });
  return { coordinator, servers: order as [Told, Told, Told] };
}

/** Everything that follows from what has happened so far, has. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe("an outcome", () => {
  it("reaches the home server, which wakes the followers, once a majority will retain it with that", async () => {
    const { coordinator, servers } = quorumOfThree();
    const [home, second, third] = servers;
    const reply = coordinator.settle(settle);
    await settled();
    expect([home.told, second.told, third.told]).toEqual([0, 1, 1]);
    third.answer(ACCEPTED);
    await settled();
    expect(home.told).toBe(1);
    home.answer(ACCEPTED);
    second.answer(FENCED);
    expect(await reply).toMatchObject({ status: "accepted" });
  });

  it("that the others refuse is refused, whatever the home server says", async () => {
    const { coordinator, servers } = quorumOfThree();
    const [home, second, third] = servers;
    const reply = coordinator.settle(settle);
    for (const server of [second, third]) server.answer(FENCED);
    await settled();
    expect(home.told).toBe(1);
    home.answer(ACCEPTED);
    expect(await reply).toEqual(FENCED);
  });
});
