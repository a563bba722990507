import { background, Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import { FakeClock, SeededRandom } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { Coordinator, JoinReply, JoinRequest } from "./coordinator.ts";
import { Fleet } from "./fleet.ts";
import { flightKeys, type FlightName } from "./flight-keys.ts";
import type { Inbox } from "./inbox/inbox.ts";
import type { ClusterEvent } from "./observer.ts";

const REDIS_TIMEOUT_MS = 250;
const keys = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false });
const flight = keys.flight("k");

describe("what a process says about a flight", () => {
  it("is answered before it joins that flight again: it would meet a lease of its own", async () => {
    const { fleet, clock, joined, join } = flying();
    const { promise: answer, resolve } = Promise.withResolvers<string>();
    const said = fleet.say(flight, 1_000, () => answer);
    const joining = join(flight);
    await clock.advance(100);
    expect(joined).toEqual([]);
    resolve("settled");
    expect(await said).toBe("settled");
    expect(await joining).toMatchObject({ reply: { status: "lead" } });
    expect(joined).toEqual([flight.id]);
  });

  it("keeps nobody from joining another one", async () => {
    const { fleet, joined, join } = flying();
    background(fleet.say(flight, 1_000, () => new Promise(() => undefined)));
    const other = keys.flight("other");
    expect(await join(other)).toMatchObject({ reply: { status: "lead" } });
    expect(joined).toEqual([other.id]);
  });

  it("that is answered too late for the join leaves it unsent", async () => {
    const { fleet, clock, joined, join } = flying();
    background(fleet.say(flight, 1_000, () => new Promise(() => undefined)));
    const joining = join(flight);
    await clock.advance(REDIS_TIMEOUT_MS);
    expect(await joining).toEqual({ failure: { reason: "timeout", sent: false } });
    expect(joined).toEqual([]);
  });

  it("is said again while it gets no answer, with growing pauses, until its time is up", async () => {
    const { fleet, clock } = flying();
    const saidAt: number[] = [];
    const began = clock.now();
    const said = fleet.say(flight, 1_000, () => {
      saidAt.push(clock.now() - began);
      return Promise.reject(new Error("no answer"));
    });
    await clock.advance(2_000);
    expect(await said).toBeUndefined();
    expect(saidAt).toEqual([0, 25, 75, 175, 375, 625, 875]);
  });

  it("is not said again once it is answered", async () => {
    const { fleet, clock } = flying();
    let times = 0;
    const said = fleet.say(flight, 1_000, () => {
      times += 1;
      return times < 3 ? Promise.reject(new Error("no answer")) : Promise.resolve("heard");
    });
    await clock.advance(2_000);
    expect(await said).toBe("heard");
    expect(times).toBe(3);
  });
});

interface Flying {
  readonly fleet: Fleet;
  readonly clock: FakeClock;
  /** Of the joins that were sent. */
  readonly joined: string[];
  readonly join: (name: FlightName) => ReturnType<Fleet["join"]>;
}

/** A fleet whose coordinator answers every join with leadership. */
function flying(): Flying {
  const clock = new FakeClock();
  const randomness = new SeededRandom("fleet");
  const joined: string[] = [];
  const coordinator = {
    join: (request: JoinRequest): Promise<JoinReply> => {
      joined.push(request.flight.id);
      return Promise.resolve({ status: "lead", token: "1-p-n", takeovers: 0 });
    },
  } as unknown as Coordinator;
  const inbox: Inbox = {
    transport: "p",
    up: true,
    open() {},
    whenUp: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
  const emitter = new Emitter<ClusterEvent>({ onEvent() {} });
  const limits = flightLimits<ClusterEvent>({ clock, randomness });
  const fleet = new Fleet({
    processId: "p",
    coordinator,
    inbox,
    availabilityOf: () => ({
      obstacle: () => undefined,
      peek: () => undefined,
      whenUp: () => Promise.resolve(true),
      up: true,
      succeeded() {},
      failed: () => ({ reason: "timeout", sent: true }),
    }),
    keys,
    clock,
    randomness,
    table: new FlightTable(limits, emitter),
    emitter,
    redisTimeoutMs: REDIS_TIMEOUT_MS,
    pollEveryMs: 1_000,
    deathGraceMs: 400,
    signatures: undefined,
  });
  const join = (name: FlightName): ReturnType<Fleet["join"]> => {
    return fleet.join({
      flight: name,
      nonce: "n",
      leaseMs: 5_000,
      maxTakeovers: 2,
      abandonMs: 30_000,
      freshMs: 0,
      firstGrant: undefined,
      registrationMs: 3_250,
      takesOver: true,
    });
  };
  return { fleet, clock, joined, join };
}
