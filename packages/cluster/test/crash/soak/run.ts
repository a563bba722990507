/** The soak by hand, for as long as wanted. Started by `scripts/soak`: run.ts SECONDS [SEED] */
import { describeFootprint } from "./footprint.ts";
import { soak } from "./soak.ts";

const [seconds = "900", seed = String(Date.now())] = process.argv.slice(2);
if (!(Number(seconds) > 0)) {
  process.stderr.write(`soak: ${seconds} is no number of seconds\n`);
  process.exit(2);
}
process.stdout.write(`${seconds} s, seed ${seed}\n`);
const began = performance.now();
let status = 0;
try {
  const report = await soak(Number(seconds), seed, (fault) => {
    process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(1).padStart(8)} s  ${fault}\n`);
  });
  const { before, after, ...counts } = report;
  process.stdout.write(`${JSON.stringify(counts, null, 2)}\n`);
  process.stdout.write(`before: ${describeFootprint(before)}\nafter:  ${describeFootprint(after)}\n`);
} catch (error) {
  process.stdout.write(`FAILED with seed ${seed}: ${String(error)}\n`);
  status = 1;
}
// Node 24 sometimes never ends by itself after hundreds of children: it waits for a handle of one that is gone.
process.exit(status);
