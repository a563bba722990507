/** Findings as text, for a terminal. */
import { formatFigure, verdictOn, type Bar } from "./bar.ts";
import type { Findings, Table } from "./section.ts";

export function printed(title: string, { tables, bars }: Findings): string {
  const parts = tables.map(printedTable);
  const judged = bars.map(printedBar);
  return [`\n== ${title}`, ...parts, ...(judged.length > 0 ? ["", ...judged] : [])].join("\n");
}

export function printedBar(judged: Bar): string {
  const { claim, rule, figure, met, remark } = judged;
  const verdict = (met === false ? "NOT MET" : verdictOn(judged)).padEnd(7);
  return `${verdict}  ${claim}: ${formatFigure(figure)} (${rule})${remark === undefined ? "" : `; ${remark}`}`;
}

function printedTable({ title, note, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [`\n${title}`, `  ${note}`, line(columns), ...rows.map(line)].join("\n");
}
