/** Processes that are woken in different ways die, and leave nothing behind. */
import { waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { Deployment } from "../fliers/deployment.ts";

/** The lease decides about a leader with a list: nothing else tells that it is dead. */
const LEASE_MS = 2_000;
const PREFIXES = { "k:": { leaseMs: LEASE_MS, retainMs: 100 } };

describe.each([
  ["pubsub", "list"],
  ["list", "pubsub"],
] as const)("a leader that is woken by %s and killed", (leads, follows) => {
  it(`is succeeded by exactly one of its followers, who are woken by ${follows}`, async () => {
    await using fleet = await Deployment.start(3, (index) => ({
      prefixes: PREFIXES,
      wakeup: index === 0 ? leads : follows,
    }));
    await fleet.lead(0, "k:killed", { workMs: 60_000 });
    const followers = await Promise.all(
      [1, 2].map((index) => fleet.follow(index, "k:killed", { workMs: 50 })),
    );
    await fleet.flier(0).kill("SIGKILL");
    const answers = await Promise.all(followers.map(({ answer }) => answer));
    expect(answers.filter(({ role }) => role === "leader")).toHaveLength(1);
    expect(answers.filter(({ role }) => role === "follower")).toHaveLength(1);
    expect(new Set(answers.map(({ flightId, takeovers }) => `${flightId} ${takeovers}`)).size).toBe(1);
    expect([1, 2].flatMap((index) => fleet.eventsOf(index, "takeover"))).toHaveLength(1);
  });
});

describe("processes with lists", () => {
  it("that die while wake-ups wait for them leave nothing in Redis", async () => {
    await using fleet = await Deployment.start(3, { wakeup: "list", prefixes: PREFIXES });
    const admin = fleet.redis.client();
    const keys = Array.from({ length: 5 }, (_, index) => `k:${index}`);
    const led = await Promise.all(keys.map((key) => fleet.lead(0, key, { held: true })));
    for (const key of keys) await fleet.follow(1, key);
    // It is stopped first, so that what is pushed stays; the server may still hand it the first one.
    fleet.flier(1).signal("SIGSTOP");
    await fleet.flier(0).call("release");
    await Promise.all(led.map(({ answer }) => answer));
    const inboxes = (): Promise<string[]> => admin.keys("skein1:test:inbox:*");
    await waitUntil(async () => (await inboxes()).length === 1, { what: "wake-ups that wait" });
    await fleet.flier(1).kill("SIGKILL");
    const [inbox = ""] = await inboxes();
    expect(await admin.pttl(inbox)).toBeGreaterThan(0);
    await fleet.flier(2).kill("SIGKILL");
    await fleet.flier(0).kill("SIGKILL");
    await waitUntil(async () => (await admin.dbsize()) === 0, { what: "an empty server", timeoutMs: 60_000 });
  });
});
