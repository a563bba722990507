/** `leaseLost`: what work is told of a leadership that may have ended. */
import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../../src/errors.ts";
import { Stage } from "./stage.ts";

const LEASE_MS = 2_000;

describe("the work of a leader is told that the lease is lost, and goes on", () => {
  it("when it has not been confirmed for as long as it lasts", async () => {
    const stage = new Stage({ leaseMs: LEASE_MS });
    const leader = stage.start("leader");
    await stage.call(leader);
    const { leaseLost } = stage.execution.flight;
    stage.delayRepliesTo(leader, Infinity);
    await stage.clock.advance(LEASE_MS - 1);
    expect(leaseLost?.aborted).toBe(false);
    await stage.clock.advance(1);
    expect(leaseLost?.reason).toEqual(new LeaseLostError("expired"));
    expect(leaseLost?.reason).toMatchObject({ why: "expired", code: "ERR_SKEIN_LEASE_LOST" });
    expect(stage.execution.signal.aborted).toBe(false);
  });

  it("when somebody else has been elected since", async () => {
    const stage = new Stage({ leaseMs: LEASE_MS });
    const [leader, other] = [stage.start("leader"), stage.start("other")];
    await stage.call(leader);
    const { leaseLost, fencingToken } = stage.execution.flight;
    stage.memory.loseData();
    await stage.call(other);
    expect(stage.execution.flight.fencingToken).not.toBe(fencingToken);
    await stage.clock.advance(LEASE_MS / 2);
    expect(leaseLost?.reason).toMatchObject({ why: "fenced" });
  });

  it("when the key was forgotten", async () => {
    const stage = new Stage({ leaseMs: LEASE_MS });
    const [leader, other] = [stage.start("leader"), stage.start("other")];
    await stage.call(leader);
    const { leaseLost } = stage.execution.flight;
    other.forget("k:1");
    await stage.clock.advance(1);
    expect(leaseLost?.reason).toMatchObject({ why: "forgotten" });
  });

  it("also when it asks only afterwards", async () => {
    const stage = new Stage({ leaseMs: LEASE_MS });
    const leader = stage.start("leader");
    await stage.call(leader);
    stage.delayRepliesTo(leader, Infinity);
    await stage.clock.advance(LEASE_MS);
    expect(stage.execution.flight.leaseLost?.reason).toMatchObject({ why: "expired" });
  });
});

it("the work of a leader that renews is told nothing, and work that runs alone has nothing to lose", async () => {
  const stage = new Stage({ leaseMs: LEASE_MS });
  const [leader, deaf] = [stage.start("leader"), stage.start("deaf")];
  await stage.call(leader);
  const led = stage.execution;
  stage.delayRepliesTo(deaf, Infinity);
  await stage.call(deaf);
  await stage.clock.advance(5 * LEASE_MS);
  expect(led.flight.leaseLost?.aborted).toBe(false);
  expect(stage.execution.by).toBe("deaf");
  expect(stage.execution.flight.leaseLost).toBeUndefined();
});
