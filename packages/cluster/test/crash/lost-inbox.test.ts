/** The connections on which processes wait for wake-ups are cut while a flight is under way. */
import { describe, expect, it } from "vitest";
import { Deployment } from "../fliers/deployment.ts";
import { cutInboxes } from "../wakeup.ts";

const WORK_MS = 5_000;

describe("a live leader whose inbox connection is killed", () => {
  for (const everyMs of [5, 20, 60, 150]) {
    it(`every ${everyMs} ms during ${WORK_MS} ms of work is never deposed`, async () => {
      await using fleet = await Deployment.start(2);
      const admin = fleet.redis.client();
      const { answer: own } = await fleet.lead(0, "k:deaf", { workMs: WORK_MS, value: "whole" });
      const { answer } = await fleet.follow(1, "k:deaf", { workMs: 10, value: "twice" });
      const settled = new AbortController();
      const answers = Promise.all([own, answer]).finally(() => settled.abort());
      const killing = (async () => {
        let kills = 0;
        while (!settled.signal.aborted) {
          kills += await cutInboxes(admin);
          await new Promise((resolve) => setTimeout(resolve, everyMs));
        }
        return kills;
      })();
      const [leader, follower] = await answers;
      expect(await killing).toBeGreaterThan(10);
      expect(leader).toMatchObject({ ok: true, role: "leader", value: "whole", takeovers: 0 });
      expect(follower).toMatchObject({ ok: true, role: "follower", value: "whole" });
      expect(await fleet.executions()).toBe(1);
    }, 120_000);
  }
});
