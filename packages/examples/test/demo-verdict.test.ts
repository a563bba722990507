import { describe, expect, it } from "vitest";
import type { DemoStory } from "../src/demo/demo.ts";
import type { LeaderKilled } from "../src/demo/leader-kill.ts";
import type { Mode } from "../src/demo/mode.ts";
import { howTheLeaderDied, whatHappened } from "../src/demo/narration.ts";
import type { Round, RoundStory } from "../src/demo/round.ts";
import { brokenPromises } from "../src/demo/verdict.ts";

describe("the demo's verdict", () => {
  it("is content with one query for the fleet, one for each process, one for each caller, and two for a dead leader", () => {
    expect(brokenPromises(story({}))).toEqual([]);
    expect(brokenPromises(story({ "in-process": { queries: 3 } }))).toEqual([]);
  });

  it.each<[string, Changes, string]>([
    [
      "a second query in the cluster",
      { cluster: { queries: 2 } },
      'round "cluster": 2 queries instead of at most 1',
    ],
    ["a fifth query of four processes", { "in-process": { queries: 5 } }, "5 queries instead of at most 4"],
    ["a failed request", { none: { errors: 1 } }, 'round "none": 1 of 280 requests failed'],
    ["a first round that did not stampede", { none: { queries: 279 } }, "279 queries for 280 requests"],
    [
      "a cluster that did not use Redis",
      { cluster: { redisCommands: 3 } },
      "3 Redis commands cannot have joined",
    ],
    ["a caller left without an answer", { leaderKilled: { answered: 209 } }, "209 of 210 surviving callers"],
    ["a third query after the kill", { leaderKilled: { queries: 3 } }, "3 queries instead of 2"],
    ["a query less after the kill", { leaderKilled: { queries: 1 } }, "1 query instead of 2"],
  ])("names %s", (_, changes, complaint) => {
    const broken = brokenPromises(story(changes));
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain(complaint);
  });

  it("passes on why requests failed", () => {
    const { rounds, leaderKilled } = story({});
    const [none, ...others] = rounds;
    const failed = { ...none!, failures: ["status 503: too many callers"] };
    expect(brokenPromises({ rounds: [failed, ...others], leaderKilled })).toEqual([
      'round "none": status 503: too many callers',
    ]);
  });
});

describe("the demo's sentences", () => {
  it("say what the rounds cost and how long the slowest waited", () => {
    expect(whatHappened(story({}).rounds)).toBe(
      "280 callers asked 4 servers for the same report at once: that cost 280 queries without coalescing, 4 when each " +
        "process coalesced on its own, and 1 when the fleet did, and the slowest callers waited 60.0 s, 800 ms and 400 ms.",
    );
  });

  it("say who died, who took over, and that everybody was answered", () => {
    expect(howTheLeaderDied(story({}).leaderKilled)).toBe(
      "Then the leader (process 11) was killed with SIGKILL while its query ran: 450 ms later process 12 had taken over, " +
        "and 210 of the 210 callers of the surviving processes got their answer, at the price of 2 queries, the killed " +
        "one included.",
    );
  });
});

type Changes = Partial<Record<Mode, Partial<Round>>> & { leaderKilled?: Partial<LeaderKilled> };

function story(changes: Changes): DemoStory {
  const usual = { processes: 4, requests: 280, p50Ms: 300, errors: 0 };
  const round = (name: Mode, own: Pick<Round, "queries" | "p99Ms" | "redisCommands">): RoundStory => ({
    round: { name, ...usual, ...own, ...changes[name] },
    commands: new Map(),
    failures: [],
  });
  return {
    rounds: [
      round("none", { queries: 280, p99Ms: 60_000, redisCommands: 0 }),
      round("in-process", { queries: 4, p99Ms: 800, redisCommands: 0 }),
      round("cluster", { queries: 1, p99Ms: 400, redisCommands: 12 }),
    ],
    leaderKilled: {
      leaderKilled: { requests: 210, answered: 210, queries: 2, takeoverMs: 450, ...changes.leaderKilled },
      leaderPid: 11,
      successorPid: 12,
      failures: [],
    },
  };
}
