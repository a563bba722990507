import { FakeClock, SeededRandom } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { JoinReply } from "./coordinator.ts";
import { Follower } from "./follower.ts";
import type { Fleet, JoinAnswer } from "./fleet.ts";
import type { Rejoin } from "./join-request.ts";
import { Policies } from "./policy.ts";

const LEASE_MS = 5_000;
const POLL_EVERY_MS = 1_000;
const REDIS_TIMEOUT_MS = 250;
/** A re-join is late by no more than this share of the lease. */
const JITTER_MS = LEASE_MS / 20;
const TOKEN = "2000-leader-n";

type FollowReply = Extract<JoinReply, { status: "follow" }>;

describe("a follower", () => {
  it("joins again at every poll, and as the follower that it is", async () => {
    const { clock, rejoins } = following();
    await clock.advance(POLL_EVERY_MS - 1);
    expect(rejoins).toEqual([]);
    await clock.advance(1);
    expect(rejoins).toEqual([{ firstGrant: 2_000 }]);
    await clock.advance(2 * POLL_EVERY_MS);
    expect(rejoins).toHaveLength(3);
  });

  it("joins again when the lease should have ended, if that is sooner", async () => {
    const { clock, rejoins } = following({ remainingMs: 400 });
    await clock.advance(399);
    expect(rejoins).toEqual([]);
    await clock.advance(1 + JITTER_MS);
    expect(rejoins).toHaveLength(1);
  });

  it("of a leader whose beat stands still for a lease says so, of that leader and that beat", async () => {
    const { clock, rejoins } = following();
    await clock.advance(LEASE_MS - 1);
    expect(rejoins.filter(({ depose }) => depose !== undefined)).toEqual([]);
    await clock.advance(1);
    expect(rejoins.at(-1)?.depose).toEqual({ token: TOKEN, beat: "7", evidence: "beat" });
  });

  it("of a leader that beats says nothing", async () => {
    const { clock, rejoins } = following({}, () => ({ beat: String(Math.floor(clock.now() / 3_000)) }));
    await clock.advance(10 * LEASE_MS);
    expect(rejoins.length).toBeGreaterThan(10);
    expect(rejoins.filter(({ depose }) => depose !== undefined)).toEqual([]);
  });

  it("takes an outcome of its flight or a later one, and none of an earlier one", () => {
    const { follower, outcomes } = following();
    for (const token of ["1999-other-n", TOKEN, "2001-other-n"]) {
      follower.onWakeUp({ kind: "settled", flightId: "n:k", token, outcome: new Uint8Array() });
    }
    expect(outcomes).toEqual([TOKEN, "2001-other-n"]);
  });

  it.each(["pointer", "resigned", "forgotten"] as const)(
    "joins again at once when woken by %s",
    async (kind) => {
      const { follower, clock, rejoins } = following();
      follower.onWakeUp({ kind, flightId: "n:k", token: TOKEN, outcome: new Uint8Array() });
      await clock.advance(0);
      expect(rejoins).toHaveLength(1);
    },
  );

  it("that gets no answer any more gives up after three seconds, and not sooner", async () => {
    const { clock, unreachable } = following({}, () => "silence");
    await clock.advance(2_999);
    expect(unreachable()).toBe(0);
    await clock.advance(1 + REDIS_TIMEOUT_MS);
    expect(unreachable()).toBe(1);
  });

  it("that has stopped joins no more", async () => {
    const { follower, clock, rejoins } = following();
    follower.stop();
    follower.joinAgain();
    await clock.advance(10 * POLL_EVERY_MS);
    expect(rejoins).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

/** Whom it follows, and what its re-joins are answered: the same, with these changes. */
function following(
  first: Partial<FollowReply> = {},
  answer: () => Partial<FollowReply> | "silence" = () => first,
): {
  readonly follower: Follower;
  readonly clock: FakeClock;
  readonly rejoins: Rejoin[];
  readonly outcomes: string[];
  readonly unreachable: () => number;
} {
  const clock = new FakeClock();
  const policy = new Policies({
    redis: "unused",
    prefixes: { "k:": { leaseMs: LEASE_MS, waitTimeoutMs: 600_000 } },
  }).find("k:");
  if (policy === undefined) throw new Error("no policy");
  const reply: FollowReply = {
    status: "follow",
    token: TOKEN,
    beat: "7",
    remainingMs: LEASE_MS,
    leaderTransport: "l",
    leaderLeaseMs: LEASE_MS,
  };
  const options = {
    clock,
    coordinator: { deposes: true },
    randomness: new SeededRandom("follower"),
    processId: "follower",
    pollEveryMs: POLL_EVERY_MS,
    redisTimeoutMs: REDIS_TIMEOUT_MS,
  };
  const rejoins: Rejoin[] = [];
  const outcomes: string[] = [];
  let unreachable = 0;
  const follower: Follower = new Follower(
    {
      fleet: { options } as unknown as Fleet,
      policy,
      rejoin: (rejoin): Promise<JoinAnswer> => {
        rejoins.push(rejoin);
        const changes = answer();
        return Promise.resolve(
          changes === "silence"
            ? { failure: { reason: "timeout", sent: true } }
            : { reply: { ...reply, ...changes }, sentAt: clock.now() },
        );
      },
      onReply() {},
      onOutcome: (token) => void outcomes.push(token),
      onLateFailure() {},
      onWaitTimeout() {},
      onUnreachable: () => {
        unreachable += 1;
        follower.stop();
      },
      onNewLeader() {},
    },
    { ...reply, ...first },
  );
  return { follower, clock, rejoins, outcomes, unreachable: () => unreachable };
}
