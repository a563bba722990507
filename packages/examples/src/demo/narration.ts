// The result in words, below the table.

import { counted } from "./counted.ts";
import type { DemoStory } from "./demo.ts";
import type { LeaderKilledStory } from "./leader-kill.ts";
import type { Mode } from "./mode.ts";
import type { CommandCounts } from "./redis-commands.ts";
import type { RoundStory } from "./round.ts";
import { duration, table } from "./table.ts";

export function narrate(story: DemoStory): string {
  const paragraphs = [
    table(story.rounds.map(({ round }) => round)),
    legend(story.rounds),
    whatHappened(story.rounds),
    howTheLeaderDied(story.leaderKilled),
  ];
  return `\n${paragraphs.join("\n\n")}\n`;
}

function legend(rounds: readonly RoundStory[]): string {
  const commands = roundOf(rounds, "cluster").commands;
  return [
    "queries: executions of the report, counted by Postgres",
    `Redis commands: what the four servers sent while the callers waited (cluster: ${commandList(commands)})`,
  ].join("\n");
}

function commandList(counts: CommandCounts): string {
  return [...counts].map(([command, count]) => `${count} ${command}`).join(", ");
}

export function whatHappened(rounds: readonly RoundStory[]): string {
  const none = roundOf(rounds, "none").round;
  const inProcess = roundOf(rounds, "in-process").round;
  const cluster = roundOf(rounds, "cluster").round;
  return (
    `${none.requests} callers asked ${none.processes} servers for the same report at once: that cost ` +
    `${counted(none.queries, "query", "queries")} without coalescing, ${inProcess.queries} when each process coalesced on its own, and ` +
    `${cluster.queries} when the fleet did, and the slowest callers waited ${duration(none.p99Ms)}, ` +
    `${duration(inProcess.p99Ms)} and ${duration(cluster.p99Ms)}.`
  );
}

export function howTheLeaderDied({ leaderKilled, leaderPid, successorPid }: LeaderKilledStory): string {
  const { requests, answered, queries, takeoverMs } = leaderKilled;
  return (
    `Then the leader (process ${leaderPid}) was killed with SIGKILL while its query ran: ${takeoverMs} ms later ` +
    `process ${successorPid} had taken over, and ${answered} of the ${requests} callers of the surviving processes ` +
    `got their answer, at the price of ${counted(queries, "query", "queries")}, the killed one included.`
  );
}

function roundOf(rounds: readonly RoundStory[], mode: Mode): RoundStory {
  const found = rounds.find(({ round }) => round.name === mode);
  if (found === undefined) throw new Error(`Round "${mode}" was not played.`);
  return found;
}
