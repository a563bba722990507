/** What is told as a takeover, and why: only of a leader that was lost or resigned, and deposed only before its time. */
import { expect, it } from "vitest";
import type { Transport } from "../../src/coordinator.ts";
import type { SimulatedProcess } from "../simulation/simulated-process.ts";
import { Stage } from "./stage.ts";

const LEASE_MS = 5_000;

async function ledAndFollowed(transport: Transport = "p"): Promise<{
  stage: Stage;
  leader: SimulatedProcess;
  follower: SimulatedProcess;
}> {
  const stage = new Stage({ leaseMs: LEASE_MS });
  const [leader, follower] = [stage.start("leader", transport), stage.start("follower")];
  await stage.call(leader);
  await stage.call(follower);
  expect(stage.count(follower, "follow")).toBe(1);
  return { stage, leader, follower };
}

function takeovers(stage: Stage, { id }: SimulatedProcess): object[] {
  return stage.events.flatMap(({ process, event }) =>
    process === id && event.type === "takeover" ? [{ reason: event.reason, takeovers: event.takeovers }] : [],
  );
}

it("the new execution of a forgotten flight is none", async () => {
  const { stage, leader, follower } = await ledAndFollowed();
  await leader.member.coordinator.forget(leader.fleet.options.keys.flight("k:1"));
  await stage.clock.advance(0);
  expect(stage.count(follower, "lead")).toBe(1);
  expect(takeovers(stage, follower)).toEqual([]);
});

it("nor is it when the follower was not told that the flight was forgotten", async () => {
  const { stage, leader, follower } = await ledAndFollowed();
  follower.member.inbox.disconnect();
  await leader.member.coordinator.forget(leader.fleet.options.keys.flight("k:1"));
  follower.member.inbox.reconnect();
  await stage.clock.advance(0);
  expect(stage.count(follower, "lead")).toBe(1);
  expect(takeovers(stage, follower)).toEqual([]);
});

it("that of a leader that is dead before its lease has ended is told as deposed", async () => {
  const { stage, leader, follower } = await ledAndFollowed();
  stage.kill(leader);
  await stage.clock.advance(LEASE_MS / 2);
  expect(takeovers(stage, follower)).toEqual([{ reason: "deposed", takeovers: 1 }]);
});

it("that of a leader whose lease has ended is told as expired, though its beat has stood still as well", async () => {
  const { stage, leader, follower } = await ledAndFollowed("l");
  stage.kill(leader);
  await stage.clock.advance(2 * LEASE_MS);
  expect(takeovers(stage, follower)).toEqual([{ reason: "expired", takeovers: 1 }]);
});

it("that of a leader that resigned is told as resigned, and counts for nothing", async () => {
  const { stage, leader, follower } = await ledAndFollowed();
  void leader.close(0);
  await stage.clock.advance(0);
  expect(takeovers(stage, follower)).toEqual([{ reason: "resigned", takeovers: 0 }]);
});
