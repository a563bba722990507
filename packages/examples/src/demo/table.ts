// The rounds as a table for a terminal.

import type { Round } from "./round.ts";

interface Column {
  readonly title: string;
  readonly cell: (round: Round) => string;
  readonly align: "left" | "right";
}

const COLUMNS: readonly Column[] = [
  { title: "coalescing", cell: (round) => round.name, align: "left" },
  { title: "processes", cell: (round) => String(round.processes), align: "right" },
  { title: "requests", cell: (round) => String(round.requests), align: "right" },
  { title: "queries", cell: (round) => String(round.queries), align: "right" },
  { title: "p50", cell: (round) => duration(round.p50Ms), align: "right" },
  { title: "p99", cell: (round) => duration(round.p99Ms), align: "right" },
  { title: "Redis commands", cell: (round) => String(round.redisCommands), align: "right" },
  { title: "errors", cell: (round) => String(round.errors), align: "right" },
];

export function table(rounds: readonly Round[]): string {
  const columns = COLUMNS.map(({ title, cell, align }) => {
    const cells = [title, ...rounds.map(cell)];
    const width = Math.max(...cells.map((text) => text.length));
    const pad = (text: string): string => (align === "left" ? text.padEnd(width) : text.padStart(width));
    return { title: pad(title), rule: "-".repeat(width), cells: rounds.map((round) => pad(cell(round))) };
  });
  const lines = [
    columns.map((column) => column.title),
    columns.map((column) => column.rule),
    ...rounds.map((_, row) => columns.map((column) => column.cells[row] ?? "")),
  ];
  return lines.map((line) => line.join("  ").trimEnd()).join("\n");
}

/** Milliseconds below ten seconds, then seconds. */
export function duration(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
