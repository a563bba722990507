// Every section runs from its first process to its last table. What the figures are is no claim of a test.

import { expect, it } from "vitest";
import { deathSection } from "../src/fleet/death-section.ts";
import { goneSection } from "../src/fleet/gone-section.ts";
import { stampedeSection } from "../src/fleet/stampede-section.ts";
import { floorSection } from "../src/floor/floor-section.ts";
import { growthSection } from "../src/growth/growth-section.ts";

it.each([stampedeSection, floorSection, deathSection, goneSection, growthSection])(
  "$name fills its tables, and measures what its bars are about",
  async (section) => {
    const { tables, bars } = await section.run("tiny", () => undefined);
    expect(tables.length).toBeGreaterThan(0);
    for (const { columns, rows } of tables) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
    for (const { claim, figure } of bars) expect(figure, claim).not.toBeNaN();
  },
  120_000,
);
