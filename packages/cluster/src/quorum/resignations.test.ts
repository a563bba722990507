import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { Claim, Coordinator, ResignReply } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import { CommandFailure } from "../redis/command-failure.ts";
import { Peers } from "./peers.ts";
import type { QuorumNode } from "./quorum-node.ts";
import { giveBack, Resignations } from "./resignations.ts";

const keys = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false });
const flight = keys.flight("k");
const RESIGNED: ResignReply = { status: "resigned" };
const away = new CommandFailure("unavailable", { sent: true });

/** A server that hears nothing until it is said to; `appointed`: what was said of the flight before has its answer. */
class Deaf {
  appointed: Promise<unknown> = Promise.resolve();
  hears = false;
  asked = 0;

  readonly node = {
    canBeAsked: () => true,
    expectedMs: 0,
    useAfterAppointment: async (_flight: unknown, attempt: (at: Coordinator) => Promise<unknown>) => {
      await this.appointed;
      return attempt({ resign: () => this.#resign() } as unknown as Coordinator);
    },
  } as unknown as QuorumNode;

  async #resign(): Promise<ResignReply> {
    this.asked += 1;
    if (!this.hears) throw away;
    return RESIGNED;
  }
}

function three(): { resignations: Resignations; clock: FakeClock; server: Deaf; other: Deaf } {
  const [server, other, third] = [new Deaf(), new Deaf(), new Deaf()];
  const clock = new FakeClock();
  const nodes = [server, other, third].map(({ node }) => node);
  const resignations = new Resignations(new Peers({ nodes, clock, redisTimeoutMs: 250 }), clock);
  return { resignations, clock, server, other };
}

describe("what a server has not heard of a resignation", () => {
  it.each<[string, Claim, Claim]>([
    ["of a nonce, once that attempt joins", { nonce: "n" }, { nonce: "n" }],
    ["of a nonce, once that attempt is appointed", { nonce: "n" }, { token: "5-p-n" }],
    ["of a token, once its attempt joins", { token: "5-p-n" }, { nonce: "n" }],
    ["of a token, once it is appointed", { token: "5-p-n" }, { token: "5-p-n" }],
  ])("is not repeated: %s", async (_what, claim, later) => {
    const { resignations, clock, server } = three();
    expect(await resignations.at(server.node, giveBack(flight, claim))).toBe(away);
    resignations.cancel(server.node, flight, later);
    server.hears = true;
    await clock.advance(1_000);
    expect(server.asked).toBe(1);
  });

  it.each<[string, Claim, Claim]>([
    ["another attempt joins", { nonce: "n" }, { nonce: "m" }],
    ["another attempt is appointed", { token: "5-p-n" }, { token: "6-p-m" }],
    ["its attempt is appointed by another election", { token: "5-p-n" }, { token: "6-p-n" }],
  ])("is repeated until it hears it, though %s", async (_what, claim, later) => {
    const { resignations, clock, server } = three();
    expect(await resignations.at(server.node, giveBack(flight, claim))).toBe(away);
    resignations.cancel(server.node, flight, later);
    await clock.advance(60);
    server.hears = true;
    await clock.advance(1_000);
    expect(server.asked).toBe(3);
  });

  it("is repeated though its attempt joins elsewhere, or takes part in another flight", async () => {
    const { resignations, clock, server, other } = three();
    expect(await resignations.at(server.node, giveBack(flight, { nonce: "n" }))).toBe(away);
    resignations.cancel(other.node, flight, { nonce: "n" });
    resignations.cancel(server.node, keys.flight("another"), { nonce: "n" });
    server.hears = true;
    await clock.advance(1_000);
    expect(server.asked).toBe(2);
  });

  it("is not even said once if its attempt is appointed while it waits for an earlier appointment", async () => {
    const { resignations, clock, server } = three();
    const appointed = Promise.withResolvers<void>();
    Object.assign(server, { appointed: appointed.promise, hears: true });
    const reply = resignations.at(server.node, giveBack(flight, { nonce: "n" }));
    resignations.cancel(server.node, flight, { token: "5-p-n" });
    appointed.resolve();
    expect(await reply).toEqual({ status: "fenced" });
    await clock.advance(1_000);
    expect(server.asked).toBe(0);
  });
});
