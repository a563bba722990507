/** Whoever does not wait any more looks at nobody any more. */
import { expect, it, vi } from "vitest";
import { Stage } from "./stage.ts";

it("a follower that has waited too long does not watch its leader any longer", async () => {
  const keeps = { leaseMs: 600_000, renewEveryMs: 120_000 };
  const stage = new Stage({ ...keeps, maxAgeMs: 10_000, waitTimeoutMs: 15_000, onWaitTimeout: "error" });
  const [leader, follower] = [stage.start("leader"), stage.start("follower")];
  await stage.call(leader);
  const { answer } = await stage.call(follower);
  leader.clock.pause();
  const looks = vi.spyOn(follower.member.coordinator, "listeners");
  await stage.clock.advance(14_999);
  expect(looks).toHaveBeenCalled();
  await stage.clock.advance(1);
  await expect(answer).rejects.toMatchObject({ code: "ERR_SKEIN_WAIT_TIMEOUT" });
  looks.mockClear();
  await stage.clock.advance(60_000);
  expect(looks).not.toHaveBeenCalled();
});
