import { FakeClock, SeededRandom } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { Coordinator, JoinReply, ResignReply, SettleReply } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import { CommandFailure } from "../redis/command-failure.ts";
import { HomeOrder } from "./home-order.ts";
import { QuorumCoordinator } from "./quorum-coordinator.ts";
import type { AppointReply, QuorumNode } from "./quorum-node.ts";

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
    useAfterAppointment: (_flight: unknown, attempt: (coordinator: Coordinator) => Promise<unknown>) => {
      return attempt({ settle: () => this.#hear() } as unknown as Coordinator);
    },
    canBeAsked: () => true,
    expectedMs: 0,
  } as unknown as QuorumNode;

  answer(reply: SettleReply): void {
    this.#answer.resolve(reply);
  }

  #hear(): Promise<SettleReply> {
    this.told += 1;
    return this.#answer.promise;
  }
}

/** A server that answers everything at once, except what a test says otherwise. */
class Willing {
  hangs = false;
  lags = false;
  readonly heard: string[] = [];
  onJoin: () => JoinReply = () => ({ status: "lead", token: "5-p-n", takeovers: 0 });
  onAppoint: () => AppointReply = () => ({ status: "appointed" });
  onResign: () => Promise<ResignReply> = () => Promise.resolve({ status: "resigned" });
  followed = false;

  readonly #coordinator = { resign: () => this.#hear("resign", () => this.onResign()) };

  readonly node: QuorumNode;

  constructor() {
    const lags = (): boolean => this.lags;
    this.node = {
      inbox: { transport: "p" },
      canBeAsked: () => true,
      get expectedMs() {
        return lags() ? 10_000 : 0;
      },
      probe: () => void this.heard.push("probe"),
      join: () => this.#hear("join", () => Promise.resolve(this.onJoin())),
      vote: () => this.#hear("vote", () => Promise.resolve(1)),
      say: () => Promise.resolve(1),
      appoint: () => this.#hear("appoint", () => Promise.resolve(this.onAppoint())),
      hasRegistrations: () => this.#hear("registrations", () => Promise.resolve(this.followed)),
      useAfterAppointment: (_flight: unknown, attempt: (coordinator: Coordinator) => Promise<unknown>) =>
        attempt(this.#coordinator as unknown as Coordinator),
    } as unknown as QuorumNode;
  }

  #hear<T>(what: string, answer: () => Promise<T>): Promise<T> {
    this.heard.push(what);
    return this.hangs ? new Promise(() => undefined) : answer();
  }
}

interface Quorum<S> {
  readonly coordinator: QuorumCoordinator;
  readonly clock: FakeClock;
  readonly servers: readonly [S, S, S];
}

/** The key's home first. */
function quorumOf<S extends { readonly node: QuorumNode }>(all: readonly S[]): Quorum<S> {
  const nodes = all.map(({ node }) => node);
  const order = new HomeOrder(nodes, 25).of(flight).map((node) => all.find((server) => server.node === node));
  const randomness = new SeededRandom("quorum");
  const clock = new FakeClock();
  const coordinator = new QuorumCoordinator({ nodes, clock, randomness, redisTimeoutMs: 250 });
  return { coordinator, clock, servers: order as unknown as [S, S, S] };
}

function quorumOfThree(): Quorum<Told> {
  return quorumOf([new Told(), new Told(), new Told()]);
}

function willingThree(): Quorum<Willing> {
  return quorumOf([new Willing(), new Willing(), new Willing()]);
}

const join = {
  flight,
  nonce: "n",
  withinMs: 250,
  leaseMs: 5_000,
  maxTakeovers: 2,
  abandonMs: 1_000,
  freshMs: 0,
  firstGrant: undefined,
  registrationMs: 1_000,
  takesOver: true,
};
const resignation = { flight, claim: { token: "5-p-n" }, countsAsTakeover: false, ifUnwanted: false };
const away = new CommandFailure("unavailable", { sent: true });

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

  it("is retained when a majority says so, though one server does not answer", async () => {
    const { coordinator, clock, servers } = quorumOfThree();
    const [home, second] = servers;
    const reply = coordinator.settle(settle);
    second.answer(ACCEPTED);
    await settled();
    home.answer(ACCEPTED);
    await clock.advance(100);
    expect(await reply).toMatchObject({ status: "accepted" });
  });
});

describe("a join", () => {
  it.each([1, 2])("is answered without server number %i, which hangs", async (hung) => {
    const { coordinator, servers } = willingThree();
    (servers[hung] as Willing).hangs = true;
    expect(await coordinator.join(join)).toMatchObject({ status: "lead" });
  });

  it("goes past a home server that hangs, at once when that is known", async () => {
    const { coordinator, clock, servers } = willingThree();
    const [home, second] = servers;
    home.hangs = true;
    home.lags = true;
    expect(await coordinator.join(join)).toMatchObject({ status: "lead" });
    expect(clock.now()).toBe(new FakeClock().now());
    expect(second.heard).toContain("join");
    expect(home.heard).not.toContain("join");
    expect(home.heard).toContain("probe");
  });

  it("follows the leader that the others know where it is registered, rather than one that it only heard of", async () => {
    const { coordinator, servers } = willingThree();
    const [, second, third] = servers;
    for (const server of [second, third]) {
      server.onAppoint = () => ({ status: "refused", holder: "4-q-m" });
      server.onJoin = () => ({
        status: "follow",
        token: "4-q-m",
        remainingMs: 3_000,
        beat: "1",
        leaderTransport: "p",
        leaderLeaseMs: 5_000,
      });
    }
    expect(await coordinator.join(join)).toMatchObject({ status: "follow", token: "4-q-m", beat: "1" });
  });

  it("elected at a server that came back empty gets the outcome that a majority retains", async () => {
    const { coordinator, servers } = willingThree();
    const [home, ...others] = servers;
    const outcome: AppointReply = {
      status: "settled",
      token: "4-q-m",
      outcome: Buffer.from("kept"),
      ageMs: 3,
    };
    for (const server of others) server.onAppoint = () => outcome;
    expect(await coordinator.join({ ...join, firstGrant: 4 })).toEqual(outcome);
    // And gives back what it was given there.
    await settled();
    expect(home.heard).toContain("resign");
  });

  it("leads in spite of an outcome that only one server retains", async () => {
    const { coordinator, servers } = willingThree();
    servers[1].onAppoint = () => ({ status: "settled", token: "4-q-m", outcome: Buffer.from(""), ageMs: 3 });
    expect(await coordinator.join({ ...join, firstGrant: 4 })).toMatchObject({ status: "lead" });
  });
});

describe("a resignation", () => {
  it("of a join that was cut is not said again behind the appointment of the same attempt", async () => {
    const { coordinator, clock, servers } = willingThree();
    const [home, second] = servers;
    home.onJoin = () => {
      throw new CommandFailure("timeout", { sent: true });
    };
    const unheard = Promise.withResolvers<ResignReply>();
    home.onResign = () => unheard.promise;
    expect(await coordinator.join(join)).toMatchObject({ status: "lead" });
    expect(second.heard).toContain("join");
    expect(home.heard).toContain("appoint");
    unheard.reject(away);
    home.onResign = () => Promise.resolve({ status: "resigned" });
    await clock.advance(1_000);
    expect(home.heard.filter((what) => what === "resign")).toHaveLength(1);
  });

  it("of a join that was cut is not said again behind the next join of the same attempt", async () => {
    const { coordinator, clock, servers } = willingThree();
    const [home, ...others] = servers;
    const lead = home.onJoin;
    home.onJoin = () => {
      throw new CommandFailure("timeout", { sent: true });
    };
    home.onResign = () => Promise.reject(away);
    for (const server of others) {
      server.onJoin = () => {
        throw new CommandFailure("unavailable", { sent: false });
      };
    }
    await expect(coordinator.join(join)).rejects.toBeInstanceOf(CommandFailure);
    home.onJoin = lead;
    home.onResign = () => Promise.resolve({ status: "resigned" });
    expect(await coordinator.join(join)).toMatchObject({ status: "lead" });
    await clock.advance(1_000);
    expect(home.heard.filter((what) => what === "resign")).toHaveLength(1);
  });

  it("that only one server heard has not been heard, and is said again to the others", async () => {
    const { coordinator, clock, servers } = willingThree();
    const [, second, third] = servers;
    for (const server of [second, third]) server.onResign = () => Promise.reject(away);
    await expect(coordinator.resign(resignation)).rejects.toBe(away);
    for (const server of [second, third]) server.onResign = () => Promise.resolve({ status: "resigned" });
    await clock.advance(1_000);
    for (const { heard } of [second, third]) expect(heard).toEqual(["resign", "resign"]);
    expect(servers[0].heard).toEqual(["resign"]);
  });

  it("counts when a majority has heard it", async () => {
    const { coordinator, servers } = willingThree();
    servers[0].onResign = () => Promise.reject(away);
    expect(await coordinator.resign(resignation)).toEqual({ status: "resigned" });
  });

  it("is not accepted where somebody follows, be it at another server than the home", async () => {
    const { coordinator, servers } = willingThree();
    const [home, second, third] = servers;
    second.followed = true;
    second.onResign = () => Promise.resolve({ status: "wanted", followers: 1 });
    const reply = await coordinator.resign({ ...resignation, ifUnwanted: true });
    expect(reply).toMatchObject({ status: "wanted" });
    for (const { heard } of [home, third]) expect(heard).not.toContain("resign");
  });
});
