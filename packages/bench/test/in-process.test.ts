// The contenders of the benchmarks do what they are measured for. What it takes them is no claim of a test.

import { describe, expect, it } from "vitest";
import { Batches } from "../src/in-process/batch.ts";
import { CONTENDERS } from "../src/in-process/contenders.ts";
import { inProcessSection } from "../src/in-process/in-process-section.ts";

describe.each(CONTENDERS)("$name", (contender) => {
  it("executes once for all concurrent calls of a key, gives each of them the value, and remembers nothing", async () => {
    const batches = new Batches(contender, { keys: 5, callers: 4 });
    for (let batch = 1; batch <= 3; batch++) {
      const values = await batches.run();
      const set = batch % 2 === 1 ? "even" : "odd";
      expect(values).toEqual([0, 1, 2, 3, 4].flatMap((key) => Array<string>(4).fill(`${set}:${key}`)));
      expect(batches.executions).toBe(5 * batch);
    }
  });

  it("rejects every caller when the load fails", async () => {
    const call = contender.open(() => Promise.reject(new Error("no")), 1);
    const endings = await Promise.allSettled([call("k"), call("k")]);
    expect(endings.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

it("a tiny run yields a table row for every contender and judges every bar", async () => {
  const { tables, bars } = await inProcessSection.run("tiny", () => undefined);
  for (const table of tables) {
    expect(table.rows.map(([name]) => name)).toEqual(CONTENDERS.map(({ name }) => name));
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
  }
  expect(bars.length).toBeGreaterThan(3);
  for (const { figure } of bars) expect(figure).toBeTypeOf("number");
}, 60_000);
