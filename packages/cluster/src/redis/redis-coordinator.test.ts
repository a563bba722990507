import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import type { JoinRequest } from "../coordinator.ts";
import { flightKeys } from "../flight-keys.ts";
import { failureOf } from "./command-failure.ts";
import type { Link } from "./connection.ts";
import { joinScript } from "./flight-scripts.ts";
import { RedisCoordinator } from "./redis-coordinator.ts";
import type { ScriptReply } from "./script-runner.ts";
import { Server } from "./server.ts";
import { OneServer, type Attempt, type Servers } from "./servers.ts";

const keys = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false });
const request: JoinRequest = {
  flight: keys.flight("k"),
  nonce: "n1",
  withinMs: 100,
  leaseMs: 5_000,
  maxTakeovers: 2,
  abandonMs: 30_000,
  freshMs: 0,
  firstGrant: undefined,
  registrationMs: 3_250,
  takesOver: true,
};

/** A coordinator whose server answers each join as it is told, and the deadlines that reached it. */
function coordinator(answers: ((clock: FakeClock) => Promise<ScriptReply>)[]): {
  coordinator: RedisCoordinator;
  clock: FakeClock;
  deadlines: number[];
  timeouts: number[];
  server: Server;
} {
  const clock = new FakeClock();
  const deadlines: number[] = [];
  const timeouts: number[] = [];
  /** Runs nothing: takes the words of an EVALSHA, behind digest, number of keys and two keys. */
  const callBuffer = (_command: string, args: readonly unknown[]): Promise<ScriptReply> => {
    deadlines.push(Number(args[4 + joinScript.argumentNames.indexOf("deadlineUs")]));
    const answer = answers.shift();
    if (answer === undefined) throw new Error("asked too often");
    return answer(clock);
  };
  const link = {
    clock,
    send: (run: (redis: object) => Promise<ScriptReply>, timeoutMs: number) => {
      timeouts.push(timeoutMs);
      return run({ callBuffer });
    },
    failureOf,
  } as unknown as Link;
  const server = new Server(link);
  return { coordinator: over(new OneServer(server), clock), clock, deadlines, timeouts, server };
}

function over(servers: Servers, clock: FakeClock): RedisCoordinator {
  return new RedisCoordinator({
    servers,
    clock,
    processId: "p1",
    inboxPrefix: keys.inboxPrefix,
    transport: "p",
    redisTimeoutMs: 250,
  });
}

/** After a round trip of `roundTripMs`, says what time it is at a server whose clock is ahead by `aheadMs`. */
function says(
  status: string,
  aheadMs: number,
  roundTripMs: number,
): (clock: FakeClock) => Promise<ScriptReply> {
  return async (clock) => {
    await clock.advance(roundTripMs / 2);
    const serverUs = (clock.now() + aheadMs) * 1_000;
    await clock.advance(roundTripMs / 2);
    return status === "LEAD" ? [status, String(serverUs), "1-p1-n1", 0] : [status, String(serverUs)];
  };
}

test("the first join has no deadline at the server, whose clock is not known; the second has", async () => {
  const world = coordinator([says("LEAD", 1_000_000, 2), says("LEAD", 1_000_000, 2)]);
  await world.coordinator.join(request);
  await world.coordinator.join(request);
  // Now is 1_002 here: 100 ms later there.
  expect(world.deadlines).toEqual([0, (1_002 + 100 + 1_000_000) * 1_000]);
});

test("a join that seems late is tried once more, with the clock that its refusal told, however slowly", async () => {
  const world = coordinator([
    says("LEAD", 1_000_000, 2),
    // The clocks have drifted apart by less than the error of this sample.
    says("STALE", 1_000_004, 20),
    says("LEAD", 1_000_004, 2),
  ]);
  await world.coordinator.join(request);
  expect(await world.coordinator.join(request)).toMatchObject({ status: "lead" });
  expect(world.deadlines[2]).toBe((1_002 + 100 + 1_000_004) * 1_000);
  // Both attempts share the time that the caller gave.
  expect(world.timeouts.slice(1)).toEqual([100, 80]);
});

test("a join that is late twice is late", async () => {
  const world = coordinator([says("STALE", 0, 2), says("STALE", 0, 2)]);
  expect(await world.coordinator.join(request)).toEqual({ status: "stale" });
});

test("a join whose time is up is not tried again", async () => {
  const world = coordinator([says("STALE", 0, 100)]);
  expect(await world.coordinator.join(request)).toEqual({ status: "stale" });
});

test("an inbox of which the server says nothing is not taken for empty", async () => {
  const clock = new FakeClock();
  const reply = [`${keys.inboxPrefix}gone`, 0, `${keys.inboxPrefix}there`, 1];
  const send = (run: (redis: object) => Promise<unknown>): Promise<unknown> => {
    return run({ call: () => Promise.resolve(reply) });
  };
  const link = { clock, send, failureOf } as unknown as Link;
  const coordinatorOver = over(new OneServer(new Server(link)), clock);
  expect(await coordinatorOver.listeners(["there", "gone", "unknown"])).toEqual([true, false, true]);
});

test("the time at a node that has not been heard of yet is that of another", async () => {
  const world = coordinator([says("LEAD", 1_000_000, 2), says("LEAD", 1_000_000, 2)]);
  const { clock, server } = world;
  const stranger = new Server({ clock } as unknown as Link);
  const nodes: Server[] = [stranger, server, server, stranger];
  const servers = {
    seesListeners: false,
    ask: (_key: string, leftMs: number, attempt: Attempt<unknown>) => attempt(server, leftMs),
    of: () => nodes.shift(),
  } as unknown as Servers;
  const asked = over(servers, clock);
  expect(asked.serverTimeMs(request.flight)).toBeUndefined();
  await asked.join(request);
  expect(asked.serverTimeMs(request.flight)).toBe(clock.now() + 1_000_000);
  await asked.join(request);
  await clock.advance(500);
  expect(asked.serverTimeMs(request.flight)).toBe(clock.now() + 1_000_000);
  expect(asked.serverTimeMs(request.flight)).toBe(clock.now() + 1_000_000);
});
