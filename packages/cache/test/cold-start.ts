/**
 * The cold start, as often as asked (`pnpm cold-start 100`): 8 processes with 1,000 callers each ask for 50 keys that
 * nobody has. Prints how often exactly 50 loads answered all 8,000 calls, and how long it took.
 */
import { Deployment, sum } from "./fliers/deployment.ts";

const PROCESSES = 8;
const CALLERS = 1_000;
const KEYS = 50;
const WORK_MS = 50;
const repetitions = Number(process.argv[2] ?? 100);

await using fleet = await Deployment.start(PROCESSES);
let exact = 0;
const tookMs: number[] = [];
for (let repetition = 1; repetition <= repetitions; repetition++) {
  const keys = Array.from({ length: KEYS }, (_, index) => `k:${repetition}-${index}`);
  const startedAt = performance.now();
  const tallies = await fleet.each("stampede", keys, CALLERS, WORK_MS);
  tookMs.push(performance.now() - startedAt);
  const loads = sum(tallies, (tally) => tally.loads);
  const answers = sum(tallies, (tally) => tally.answers);
  const wrong = sum(tallies, (tally) => tally.wrong);
  if (loads === KEYS && answers === PROCESSES * CALLERS && wrong === 0) exact++;
  else process.stdout.write(`repetition ${repetition}: ${loads} loads, ${answers} answers, ${wrong} wrong\n`);
}
const sorted = tookMs.toSorted((a, b) => a - b);
const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(0);
process.stdout.write(
  `${PROCESSES} processes x ${CALLERS} callers, ${KEYS} cold keys, work of ${WORK_MS} ms: ` +
    `exactly ${KEYS} loads in ${exact} of ${repetitions}; ` +
    `a repetition took ${at(0.5)} ms (median), ${at(1)} ms (longest)\n`,
);
process.exitCode = exact === repetitions ? 0 : 1;
