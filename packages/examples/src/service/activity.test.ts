import { describe, expect, it } from "vitest";
import { Activity } from "./activity.ts";

const UP = { type: "link", state: "up" } as const;

describe("a replica's activity", () => {
  it("is alone until both of its connections are up, not until one turns out to be down", () => {
    const activity = new Activity("a");
    expect(activity.coordination).toBe("alone");
    activity.onEvent({ ...UP, link: "inbox" });
    expect(activity.coordination).toBe("alone");
    activity.onEvent({ ...UP, link: "commands" });
    expect(activity.coordination).toBe("fleet");
    activity.onEvent({ type: "link", link: "inbox", state: "down" });
    expect(activity.coordination).toBe("alone");
  });

  it("names the kind of work that is under way, but never its key", async () => {
    const activity = new Activity("a");
    const flight = { key: "live:somebody", flightId: "7", takeovers: 0 };
    await activity.execution(flight, async () => {
      expect(activity.state().leading).toMatchObject([{ prefix: "live:", flightId: "7" }]);
      expect(JSON.stringify(activity.state())).not.toContain("somebody");
    });
    expect(activity.state().leading).toEqual([]);
  });
});
