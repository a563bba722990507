/** What a process does with a join that is answered when it no longer waits for the answer; and leases that differ. */
import { background } from "@skein/core/internal";
import { FakeClock, SeededRandom } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import type { JoinReply } from "../../src/coordinator.ts";
import type { JoinAnswer } from "../../src/fleet.ts";
import { Follower } from "../../src/follower.ts";
import type { Rejoin } from "../../src/join-request.ts";
import { MemoryFleet, type MemoryNetwork } from "../../src/memory/index.ts";
import type { ClusterEvent } from "../../src/observer.ts";
import type { PrefixOptions } from "../../src/options.ts";
import { Policies } from "../../src/policy.ts";
import { SimulatedProcess } from "./simulated-process.ts";

class Stage {
  readonly clock: FakeClock = new FakeClock();
  readonly events: { readonly process: string; readonly event: ClusterEvent }[] = [];
  /** Replies to this process take so long; Infinity: they are lost. */
  readonly replyDelays = new Map<string, number>();
  readonly memory: MemoryFleet;
  executions = 0;

  constructor() {
    const network: MemoryNetwork = {
      copies: ({ process, kind }) => {
        const delayMs = kind === "reply" ? (this.replyDelays.get(process) ?? 0) : 0;
        return delayMs === Infinity ? [] : [delayMs];
      },
    };
    this.memory = new MemoryFleet({ clock: this.clock, network });
  }

  start(id: string, options: PrefixOptions): SimulatedProcess {
    const policy = new Policies({ redis: "unused", prefixes: { "k:": options } }).find("k:");
    if (policy === undefined) throw new Error("no policy");
    return new SimulatedProcess({
      id,
      clock: this.clock,
      randomness: new SeededRandom(id),
      memory: this.memory,
      policy,
      maxEntries: 100,
      onEvent: (event) => void this.events.push({ process: id, event }),
    });
  }

  /** Calls; the work never ends unless it is told how long it takes. */
  call(process: SimulatedProcess, workMs?: number): Promise<unknown> {
    const work = (): Promise<string> => {
      this.executions++;
      const { promise, resolve } = Promise.withResolvers<string>();
      if (workMs !== undefined) this.clock.setTimer(() => resolve(`by ${process.id}`), workMs);
      return promise;
    };
    const call = process.table.call("k:1", work, {}, true, process.pilot);
    background(call.catch(() => undefined));
    return call;
  }

  count(process: string, type: ClusterEvent["type"]): number {
    return this.events.filter((each) => each.process === process && each.event.type === type).length;
  }
}

describe("a re-join that is answered with leadership after the wait timed out", () => {
  const patient: PrefixOptions = { leaseMs: 60_000, maxAgeMs: 1_000_000, waitTimeoutMs: 1_000_001 };

  for (const [what, delayMs] of [
    ["late", 200],
    ["never, as far as the process can tell,", Infinity],
  ] as const) {
    it(`leaves no lease behind (answered ${what})`, async () => {
      const stage = new Stage();
      const leader = stage.start("p0", patient);
      const hasty = stage.start("p1", { ...patient, maxAgeMs: 9_000, waitTimeoutMs: 9_950 });
      const third = stage.start("p2", patient);
      background(stage.call(leader).catch(() => undefined));
      await stage.clock.advance(10);
      background(stage.call(hasty, 30_000).catch(() => undefined));
      await stage.clock.advance(9_000);
      expect(stage.count("p1", "follow")).toBe(1);
      // The leader resigns; the follower asks for its place, and its patience ends before it hears that it has it.
      stage.replyDelays.set("p1", delayMs);
      await stage.clock.advance(800);
      leader.table
        .close({ drainMs: 0 }, (flight, reason) => leader.pilot.onClosed(flight, reason))
        .catch(() => undefined);
      await stage.clock.advance(400);
      stage.replyDelays.delete("p1");
      expect(stage.count("p1", "wait-timeout")).toBe(1);
      await stage.clock.advance(1_000);
      // Nobody holds the key any more: the next to come leads at once, and not when a lease of 60 s has ended.
      background(stage.call(third, 10).catch(() => undefined));
      await stage.clock.advance(1_000);
      expect(stage.count("p2", "lead")).toBe(1);
      await stage.clock.advance(60_000);
    });
  }
});

describe("leases that differ, as while a deploy changes leaseMs", () => {
  it("a leader that beats at its own pace is not deposed by a follower with a shorter lease", async () => {
    const stage = new Stage();
    const slow = stage.start("p0", { leaseMs: 20_000, renewEveryMs: 10_000 });
    const fast = stage.start("p1", { leaseMs: 500 });
    const led = stage.call(slow, 25_000);
    await stage.clock.advance(10);
    const followed = stage.call(fast, 10);
    await stage.clock.advance(30_000);
    expect(stage.executions).toBe(1);
    expect(await led).toMatchObject({ value: "by p0", role: "leader" });
    expect(await followed).toMatchObject({ value: "by p0", role: "follower", takeovers: 0 });
  });

  it("and a dead one is replaced when its own lease has passed, not when the follower's longer one has", async () => {
    const stage = new Stage();
    const fast = stage.start("p0", { leaseMs: 1_000 });
    const slow = stage.start("p1", { leaseMs: 60_000 });
    background(stage.call(fast).catch(() => undefined));
    await stage.clock.advance(10);
    const followed = stage.call(slow, 10);
    await stage.clock.advance(10);
    fast.clock.kill();
    stage.memory.killProcess("p0");
    await stage.clock.advance(5_000);
    expect(await followed).toMatchObject({ value: "by p1", role: "leader", takeovers: 1 });
  });
});

describe("evidence of death", () => {
  it("that was gathered against one leader is not used against its successor", async () => {
    const stage = new Stage();
    const { fleet } = stage.start("p0", {});
    const policy = new Policies({ redis: "unused", prefixes: ["k:"] }).find("k:");
    if (policy === undefined) throw new Error("no policy");
    const asked: Rejoin[] = [];
    const replies = [Promise.withResolvers<JoinAnswer>(), Promise.withResolvers<JoinAnswer>()] as const;
    const reply = (token: string): Extract<JoinReply, { status: "follow" }> => ({
      status: "follow",
      token,
      remainingMs: 5_000,
      beat: "0",
      leaderTransport: "p",
      leaderLeaseMs: 5_000,
    });
    const never = (): never => expect.unreachable();
    const follower = new Follower(
      {
        fleet,
        policy,
        rejoin: (rejoin) => replies[(asked.push(rejoin) - 1) as 0 | 1].promise,
        onReply: never,
        onOutcome: never,
        onLateFailure: never,
        onWaitTimeout: never,
        onUnreachable: never,
        onNewLeader() {},
      },
      reply("1-dead-n"),
    );
    follower.joinAgain();
    // The grace ends while a re-join is under way, which brings a new leader.
    follower.joinAgain("inbox");
    replies[0].resolve({ reply: reply("2-successor-n"), sentAt: stage.clock.now() });
    await stage.clock.advance(1);
    expect(follower.token).toBe("2-successor-n");
    expect(asked.map(({ depose }) => depose?.token)).toEqual([undefined, "1-dead-n"]);
    follower.stop();
  });
});
