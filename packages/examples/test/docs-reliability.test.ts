// docs/RELIABILITY.md is what scripts/faults wrote: every fault of the table, and none that failed.

import { expect, it } from "vitest";
import { Markdown } from "./markdown.ts";

const rows = (await Markdown.read("docs/RELIABILITY.md")).table("Reliability");

it("names each of the thirty faults", () => {
  const numbers = new Set(rows.map(([number = ""]) => Number(number)));
  expect([...numbers]).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
});

it("tells of none that did not hold, but of those that a machine cannot have", () => {
  for (const [number, fault, , , result = ""] of rows) {
    expect(`${number} ${fault}: ${result}`).toMatch(/: (held|impossible)$/u);
  }
});

it("says what was injected and what had to be seen", () => {
  for (const cell of rows.flatMap((row) => row.slice(0, 4))) expect(cell.trim()).not.toBe("");
});
