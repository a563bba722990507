/**
 * Seeded runs of the protocol as built. A failure prints its seed and how to play it again; such a seed is kept in
 * regression-seeds.ts. SKEIN_SEEDS sets how many are played; `scripts/simulation` plays a million.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Campaign } from "./campaign.ts";
import { REGRESSION_SEEDS } from "./regression-seeds.ts";
import { replayCommand } from "./replay-command.ts";
import { play } from "./simulation.ts";

const SEEDS = Number(process.env["SKEIN_SEEDS"] ?? 2_000);
const RUN = fileURLToPath(new URL("run.ts", import.meta.url));

it(`a simulated fleet keeps every invariant, in ${SEEDS} runs with and without faults`, async () => {
  const { played, failures } = await new Campaign({ from: 1, to: SEEDS, maxFailures: 3 }).run();
  expect(failures.map(({ seed, violations }) => [replayCommand(seed), ...violations])).toEqual([]);
  expect(played).toBe(SEEDS);
}, 600_000);

for (const [seed, what] of REGRESSION_SEEDS) {
  it(`also when ${what} (seed ${seed})`, async () => {
    expect((await play(seed)).violations).toEqual([]);
  });
}

it("a seed is played the same way again, in this process and in another", async () => {
  for (const seed of [7, 16]) {
    const first = await play(seed);
    const second = await play(seed);
    expect(second.trace).toEqual(first.trace);
    const output = execFileSync(process.execPath, [RUN, "--seed", String(seed), "--json"], {
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual({ seed, digest: first.digest, violations: [] });
  }
  expect((await play(7)).digest).not.toBe((await play(8)).digest);
});
