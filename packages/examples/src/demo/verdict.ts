// What the demo promises, checked on its own figures: it fails rather than print a table that shows something else.

import { counted } from "./counted.ts";
import type { DemoStory } from "./demo.ts";
import { PROCESSES } from "./fleet.ts";
import type { Mode } from "./mode.ts";
import type { Round } from "./round.ts";

/** A plain sentence for each promise that was not kept; empty when all were. */
export function brokenPromises({ rounds, leaderKilled }: DemoStory): string[] {
  const broken: string[] = [];
  const expect = (kept: boolean, complaint: string): void => {
    if (!kept) broken.push(complaint);
  };
  for (const { round, failures } of rounds) {
    const { name, errors, requests, queries } = round;
    const limit = maxQueries(round);
    expect(errors === 0, `round "${name}": ${errors} of ${requests} requests failed`);
    expect(
      queries <= limit,
      `round "${name}": ${counted(queries, "query", "queries")} instead of at most ${limit}`,
    );
    for (const failure of failures) broken.push(`round "${name}": ${failure}`);
  }
  const none = rounds.find(({ round }) => round.name === "none")?.round;
  expect(
    none?.queries === none?.requests,
    `round "none": ${none?.queries} queries for ${none?.requests} requests`,
  );

  const cluster = rounds.find(({ round }) => round.name === "cluster")?.round;
  const commands = cluster?.redisCommands ?? 0;
  expect(
    commands >= PROCESSES,
    `round "cluster": ${commands} Redis commands cannot have joined ${PROCESSES} processes`,
  );

  const { requests, answered, queries } = leaderKilled.leaderKilled;
  expect(answered === requests, `leader killed: ${answered} of ${requests} surviving callers were answered`);
  expect(queries === 2, `leader killed: ${counted(queries, "query", "queries")} instead of 2`);
  for (const failure of leaderKilled.failures) broken.push(`leader killed: ${failure}`);
  return broken;
}

function maxQueries({ name, requests, processes }: Round): number {
  const limits: Record<Mode, number> = { none: requests, "in-process": processes, cluster: 1 };
  return limits[name];
}
