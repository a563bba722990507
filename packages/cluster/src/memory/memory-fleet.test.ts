import { InvalidArgumentError } from "@skein/core";
import { background } from "@skein/core/internal";
import { FakeClock } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import type { JoinRequest } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import type { WakeUp } from "../inbox/wake-up.ts";
import { MemoryFleet, NoReplyError, type MemoryMember, type MemoryNetwork, type Packet } from "./index.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");

function joins(nonce: string, more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    flight,
    nonce,
    withinMs: 250,
    leaseMs: 5_000,
    maxTakeovers: 2,
    abandonMs: 30_000,
    freshMs: 0,
    firstGrant: undefined,
    registrationMs: 3_250,
    takesOver: true,
    ...more,
  };
}

/** A fleet on a clock of its own, with a network that does as it is told. */
function start(copies: MemoryNetwork["copies"] = () => [0]): { clock: FakeClock; fleet: MemoryFleet } {
  const clock = new FakeClock();
  return { clock, fleet: new MemoryFleet({ clock, network: { copies } }) };
}

interface Listening extends MemoryMember {
  readonly heard: WakeUp[];
  readonly states: boolean[];
}

async function listen(fleet: MemoryFleet, id: string): Promise<Listening> {
  const { inbox, coordinator } = fleet.connect(id);
  const heard: WakeUp[] = [];
  const states: boolean[] = [];
  inbox.open({
    onWakeUp: (wakeUp) => heard.push(wakeUp),
    onGarbage: () => undefined,
    onInboxState: (up) => states.push(up),
  });
  await inbox.whenUp(Number.MAX_SAFE_INTEGER);
  return { heard, states, inbox, coordinator };
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a memory fleet", () => {
  test("refuses ids that a token could not carry, and ids that are taken", () => {
    const { fleet } = start();
    fleet.connect("p1");
    for (const id of ["", "P1", "p-1", "p1"]) expect(() => fleet.connect(id)).toThrow(InvalidArgumentError);
  });

  test("works on the process's own clock when none is given", async () => {
    const fleet = new MemoryFleet();
    expect(await fleet.connect("p1").coordinator.join(joins("a"))).toMatchObject({ status: "lead" });
    expect(fleet.flightTtlsMs).toHaveLength(1);
    fleet.loseData();
    expect(fleet.flightTtlsMs).toEqual([]);
  });

  test("a jump of the server's clock ends what its clock says has ended, and nobody's own clock moves", async () => {
    const { clock, fleet } = start();
    const { coordinator } = fleet.connect("p1");
    await coordinator.join(joins("a"));
    const before = clock.now();
    fleet.jumpClock(30_000);
    expect(await fleet.connect("p2").coordinator.join(joins("b"))).toMatchObject({
      status: "lead",
      takeovers: 0,
    });
    expect(clock.now()).toBe(before);
  });

  test("what had ended stays ended when the clock goes back", async () => {
    const { clock, fleet } = start();
    await fleet.connect("p1").coordinator.join(joins("a"));
    await clock.advance(5_001);
    fleet.jumpClock(-3_600_000);
    expect(await fleet.connect("p2").coordinator.join(joins("b"))).toMatchObject({
      status: "lead",
      takeovers: 1,
    });
  });

  test("a lost request is never carried out, and its caller is told that nobody answered", async () => {
    const { clock, fleet } = start(({ kind }) => (kind === "request" ? [] : [0]));
    const failure = failureOf(fleet.connect("p1").coordinator.join(joins("a")));
    await clock.advance(250);
    expect(await failure).toBeInstanceOf(NoReplyError);
    expect(fleet.flightTtlsMs).toEqual([]);
  });

  test("a request whose reply is lost has been carried out", async () => {
    const { clock, fleet } = start(({ kind, process }) => (kind === "reply" && process === "p1" ? [] : [0]));
    const failure = failureOf(fleet.connect("p1").coordinator.join(joins("a")));
    await clock.advance(250);
    expect(await failure).toBeInstanceOf(NoReplyError);
    expect(await fleet.connect("p2").coordinator.join(joins("b"))).toMatchObject({ status: "follow" });
  });

  test("a request that arrives twice is carried out twice, and answered once", async () => {
    const { clock, fleet } = start(({ kind }) => (kind === "request" ? [0, 10] : [0]));
    const { coordinator } = fleet.connect("p1");
    const { token } = (await coordinator.join(joins("a"))) as { token: string };
    await clock.advance(10);
    const [reply] = await coordinator.renew([{ flight, token, leaseMs: 5_000, maxTakeovers: 2 }]);
    expect(reply).toEqual({ status: "held", followers: 0 });
    await clock.advance(10);
    expect(await fleet.connect("p2").coordinator.join(joins("b"))).toMatchObject({ beat: "2" });
  });

  test("a join that arrives after its caller gave up is stale", async () => {
    let delayMs = 300;
    const { clock, fleet } = start(({ kind }) => (kind === "request" ? [delayMs] : [0]));
    const { coordinator } = fleet.connect("p1");
    const failure = failureOf(coordinator.join(joins("a")));
    await clock.advance(300);
    expect(await failure).toBeInstanceOf(NoReplyError);
    expect(fleet.flightTtlsMs).toEqual([]);
    delayMs = 0;
    expect(await coordinator.join(joins("a", { withinMs: -1 }))).toEqual({ status: "stale" });
  });

  test("messages may be lost, delayed and repeated", async () => {
    const fates: Record<string, readonly number[]> = { lossy: [], slow: [100], twice: [0, 0] };
    const { clock, fleet } = start(({ kind, process }: Packet) =>
      kind === "message" ? (fates[process] ?? [0]) : [0],
    );
    const members = await Promise.all(["lossy", "slow", "twice"].map((id) => listen(fleet, id)));
    const leader = fleet.connect("leader").coordinator;
    const { token } = (await leader.join(joins("a"))) as { token: string };
    for (const { coordinator } of members) await coordinator.join(joins("b"));
    await leader.resign({ flight, claim: { token }, countsAsTakeover: false, ifUnwanted: false });
    await clock.advance(99);
    expect(members.map(({ heard }) => heard.length)).toEqual([0, 0, 2]);
    await clock.advance(1);
    expect(members.map(({ heard }) => heard.length)).toEqual([0, 1, 2]);
  });

  test("a message does not survive the connection that it was sent to", async () => {
    const { clock, fleet } = start(({ kind }) => (kind === "message" ? [100] : [0]));
    const { heard, states, inbox } = await listen(fleet, "p1");
    fleet.post("p1", Buffer.from("1 resigned n:k 1-a-b\n"));
    inbox.disconnect();
    inbox.reconnect();
    await clock.advance(100);
    expect(heard).toEqual([]);
    expect(states).toEqual([true, false, true]);
  });

  test("a killed process hears nothing, gets no answer and is not listened to; what it had sent is carried out", async () => {
    const { clock, fleet } = start(({ kind }) => (kind === "request" ? [10] : [0]));
    const { heard, coordinator } = await listen(fleet, "p1");
    let answered = false;
    background(
      coordinator.join(joins("a")).finally(() => {
        answered = true;
      }),
    );
    fleet.killProcess("p1");
    await clock.advance(10_000);
    expect(answered).toBe(false);
    expect(fleet.flightTtlsMs).toHaveLength(1);
    fleet.post("p1", Buffer.from("1 resigned n:k 1-a-b\n"));
    await clock.advance(0);
    expect(heard).toEqual([]);
    const other = fleet.connect("p2").coordinator.listeners(["p1", "p2"]);
    await clock.advance(10);
    expect(await other).toEqual([false, false]);
  });

  test("an inbox that does not come up is waited for until the deadline", async () => {
    const { clock, fleet } = start();
    const { inbox } = fleet.connect("p1");
    const waiting = inbox.whenUp(clock.now() + 100);
    await clock.advance(100);
    expect(await waiting).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  test("nothing is left of an answered request", async () => {
    const { clock, fleet } = start();
    await fleet.connect("p1").coordinator.join(joins("a"));
    expect(clock.pendingTimers).toBe(0);
  });
});
