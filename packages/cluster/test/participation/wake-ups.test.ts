/** What a process makes of wake-ups that come early, or while it cannot hear. */
import { expect, it } from "vitest";
import { Stage } from "./stage.ts";

it("a wake-up that overtakes the reply to the join counts when that has come", async () => {
  const stage = new Stage();
  const [leader, follower] = [stage.start("leader"), stage.start("follower")];
  await stage.call(leader);
  stage.delayRepliesTo(follower, 100);
  const { answer } = await stage.call(follower);
  stage.execution.end("outcome");
  await stage.clock.advance(99);
  expect(follower.table.size).toBe(1);
  await stage.clock.advance(1);
  expect(await answer).toBe("outcome");
  expect(stage.count(follower, "woken")).toBe(1);
});

it("what was said while an inbox was away is asked for as soon as it is back", async () => {
  const stage = new Stage({ leaseMs: 60_000 });
  const [leader, follower] = [stage.start("leader"), stage.start("follower")];
  await stage.call(leader);
  const { answer } = await stage.call(follower);
  follower.member.inbox.disconnect();
  stage.execution.end("outcome");
  await stage.clock.advance(1_000);
  expect(follower.table.size).toBe(1);
  follower.member.inbox.reconnect();
  await stage.clock.advance(1);
  expect(await answer).toBe("outcome");
  expect(stage.count(follower, "wakeup-missed")).toBe(1);
});
