import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { Coordinator, RenewReply, ResignReply } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import { CommandFailure } from "../redis/command-failure.ts";
import type { RedisMembership } from "../redis/redis-membership.ts";
import { QuorumNode } from "./quorum-node.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");
const timeout = new CommandFailure("timeout", { sent: true });
const join = {
  flight,
  nonce: "n",
  leaseMs: 5_000,
  maxTakeovers: 2,
  abandonMs: 1_000,
  freshMs: 0,
  firstGrant: undefined,
  registrationMs: 1_000,
  takesOver: true,
};
const renewal = { flight, token: "1-p-n", leaseMs: 5_000, maxTakeovers: 2 };

interface Observed {
  readonly node: QuorumNode;
  readonly clock: FakeClock;
  /** What its breaker heard. */
  readonly told: string[];
  /** Commands sent to it beside those of the coordinator. */
  readonly sent: string[];
}

function nodeOver(
  coordinator: Partial<Coordinator>,
  answers: () => Promise<unknown>,
  run: () => Promise<unknown> = answers,
): Observed {
  const clock = new FakeClock();
  const [told, sent]: [string[], string[]] = [[], []];
  const redis = { ping: () => sent.push("PING") };
  const link = {
    clock,
    stalledWithin: () => 0,
    send: (sends: (client: typeof redis) => unknown) => {
      sends(redis);
      return answers();
    },
  };
  const membership = {
    coordinator,
    servers: { of: () => ({ link, run }) },
    availabilityOf: () => ({
      obstacle: () => void told.push("a call"),
      peek: () => undefined,
      up: true,
      succeeded: () => told.push("succeeded"),
      failed: (error: CommandFailure) => told.push(error.kind),
    }),
  };
  return { clock, told, sent, node: new QuorumNode(membership as unknown as RedisMembership, 250) };
}

describe("a server of a quorum", () => {
  it("is looked at as often as need be without that counting as a call", async () => {
    const { node, told } = nodeOver({}, () => Promise.resolve());
    for (let look = 0; look < 10; look++) expect(node.canBeAsked(flight)).toBe(true);
    node.probe(flight);
    await node.use(flight, () => Promise.resolve());
    expect(told).not.toContain("a call");
  });

  it("has failed if it left a join unanswered for as long as it may take", async () => {
    const { node, told, sent } = nodeOver({ join: () => Promise.reject(timeout) }, () => Promise.resolve());
    await expect(node.join({ ...join, withinMs: 250 })).rejects.toBe(timeout);
    expect(told).toEqual(["timeout"]);
    expect(sent).toEqual([]);
  });

  it("is asked how it fares, and has not failed, if the join had less than that", async () => {
    const silence = Promise.withResolvers<unknown>();
    const { node, told, sent, clock } = nodeOver(
      { join: () => Promise.reject(timeout) },
      () => silence.promise,
    );
    const asked = (): Promise<string> => node.join({ ...join, withinMs: 1 }).then(String, String);
    expect(await asked()).toMatch(/in time/);
    await clock.advance(100);
    expect(await asked()).toMatch(/in time/);
    // Once in the time that an answer may take.
    expect(sent).toEqual(["PING"]);
    expect(told).toEqual([]);
    silence.reject(timeout);
    await clock.advance(150);
    // That question had all its time.
    expect(told).toEqual(["timeout"]);
    expect(await asked()).toMatch(/in time/);
    expect(sent).toEqual(["PING", "PING"]);
  });

  it("hears that a leader resigned after it has heard who leads", async () => {
    const heard: string[] = [];
    const resign = async (): Promise<ResignReply> => {
      heard.push("resign");
      return { status: "resigned" };
    };
    const appointed = Promise.withResolvers<readonly string[]>();
    const { node } = nodeOver(
      { resign },
      () => Promise.resolve(),
      () => appointed.promise,
    );
    const appointment = {
      flight,
      token: "1-p-n",
      transport: "p",
      leaseMs: 5_000,
      flightTtlMs: 9_000,
    } as const;
    const reply = node.appoint({ ...appointment, takeovers: 0, outcomes: undefined });
    const resignation = { flight, claim: { token: "1-p-n" }, countsAsTakeover: false, ifUnwanted: false };
    const resigned = node.useAfterAppointment(flight, (at) => at.resign(resignation));
    await node.use(flight, () => Promise.resolve());
    expect(heard).toEqual([]);
    appointed.resolve(["APPOINTED", "1"]);
    expect(await reply).toEqual({ status: "appointed" });
    expect(await resigned).toEqual({ status: "resigned" });
  });

  it("has failed if it renewed nothing of a batch, and has not if it renewed something", async () => {
    const held: RenewReply = { status: "held", followers: 0 };
    const replies: (RenewReply | Error)[][] = [
      [timeout, timeout],
      [held, timeout],
    ];
    const renew = (): Promise<readonly (RenewReply | Error)[]> => Promise.resolve(replies.shift() ?? []);
    const { node, told } = nodeOver({ renew }, () => Promise.resolve());
    await expect(node.renew(flight, [renewal, renewal])).rejects.toBe(timeout);
    expect(await node.renew(flight, [renewal, renewal])).toEqual([held, timeout]);
    expect(told).toEqual(["timeout", "succeeded"]);
  });
});
