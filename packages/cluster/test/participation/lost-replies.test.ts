/** A join whose reply never came may have won: others follow it, and the run in its place is what they wait for. */
import { describe, expect, it } from "vitest";
import { REDIS_TIMEOUT_MS, Stage } from "./stage.ts";

/** Far away: nobody finds out by the end of a lease. */
const LEASE_MS = 60_000;
const MAX_AGE_MS = 5_000;

/** A process that was elected without hearing of it, runs alone, and is followed by another. */
async function followedUnawares() {
  const stage = new Stage({ leaseMs: LEASE_MS, maxAgeMs: MAX_AGE_MS });
  const [unaware, follower] = [stage.start("unaware"), stage.start("follower")];
  stage.delayRepliesTo(unaware, Infinity);
  const { answer: own } = await stage.call(unaware);
  await stage.clock.advance(REDIS_TIMEOUT_MS);
  expect(stage.count(unaware, "fallback")).toBe(1);
  stage.delayRepliesTo(unaware, 0);
  const { answer } = await stage.call(follower);
  expect(stage.count(follower, "follow")).toBe(1);
  return { stage, own, answer };
}

describe("a run in place of a join whose reply was lost", () => {
  it("settles for those who follow that join", async () => {
    const { stage, own, answer } = await followedUnawares();
    stage.execution.end("alone");
    await stage.clock.advance(1);
    expect(await own).toBe("alone");
    expect(await answer).toBe("alone");
    expect(stage.executions).toHaveLength(1);
  });

  it("that was aborted shares nothing, whatever it made of its abort; a follower succeeds it at once", async () => {
    const { stage, own, answer } = await followedUnawares();
    const run = stage.execution;
    await stage.clock.advance(MAX_AGE_MS);
    expect(run.signal.aborted).toBe(true);
    run.end("half of it");
    await stage.clock.advance(1);
    expect(await own).toBe("half of it");
    expect(stage.executions).toHaveLength(2);
    stage.execution.end("all of it");
    await stage.clock.advance(1);
    expect(await answer).toBe("all of it");
  });
});
