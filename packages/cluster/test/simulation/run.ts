/** The long run, and the replay of one seed. Started by `scripts/simulation`, whose --help says what it takes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Campaign, type Progress, type SeedReport } from "./campaign.ts";
import { replayCommand } from "./replay-command.ts";
import { play } from "./simulation.ts";

const RESUME_FILE = fileURLToPath(new URL("../../../../.cache/simulation.json", import.meta.url));
const REPORT_EVERY_MS = 10_000;
const SHOWN_VIOLATIONS = 3;

interface Resume {
  readonly to: number;
  readonly next: number;
  readonly failed: readonly number[];
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..1000000" },
    seed: { type: "string" },
    cores: { type: "string" },
    failures: { type: "string", default: "1" },
    resume: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

if (values.seed === undefined) await campaign();
else await replay(wholeNumber("--seed", values.seed));

async function replay(seed: number): Promise<void> {
  const { digest, violations, trace } = await play(seed);
  if (values.json) print(JSON.stringify({ seed, digest, violations, ...(values.trace ? { trace } : {}) }));
  else {
    if (values.trace) for (const line of trace) print(line);
    for (const violation of violations) print(violation);
    print(
      `seed ${seed}, digest ${digest}: ${violations.length === 0 ? "holds" : `${violations.length} violations`}`,
    );
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
}

async function campaign(): Promise<void> {
  const { from, to, failed } = values.resume ? resumed() : { ...range(values.seeds), failed: [] };
  const began = performance.now();
  const shown = new Set<number>();
  let reportedAt = 0;
  const run = new Campaign({
    from,
    to,
    maxFailures: wholeNumber("--failures", values.failures),
    ...(values.cores === undefined ? {} : { threads: wholeNumber("--cores", values.cores) }),
    onProgress(progress) {
      for (const failure of progress.failures) {
        if (!values.json && !shown.has(failure.seed)) print(describeFailure(failure));
        shown.add(failure.seed);
      }
      const now = performance.now();
      if (now - reportedAt < REPORT_EVERY_MS) return;
      reportedAt = now;
      save(progress, to, failed);
      if (!values.json) print(describe(progress, from, to, now - began));
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => run.stop());
  const progress = await run.run();
  save(progress, to, failed);
  report(progress, to, performance.now() - began);
  process.exitCode = progress.failures.length === 0 && failed.length === 0 ? 0 : 1;
}

function report(progress: Progress, to: number, tookMs: number): void {
  const { played, next, failures } = progress;
  const seconds = Math.round(tookMs / 1_000);
  if (values.json) {
    const found = failures.map((failure) => ({ ...failure, replay: replayCommand(failure.seed) }));
    print(JSON.stringify({ played, next, seconds, seedsPerSecond: rate(played, tookMs), failures: found }));
    return;
  }
  const rest = next > to ? "" : `; all below ${next}: go on with --resume`;
  print(
    `${played} seeds in ${seconds} s, ${rate(played, tookMs)} a second, ${failures.length} failed${rest}`,
  );
}

function describe({ played, next, failures }: Progress, from: number, to: number, tookMs: number): string {
  const share = ((100 * (next - from)) / (to - from + 1)).toFixed(1);
  return `${share} %, ${played} seeds, ${rate(played, tookMs)} a second, ${failures.length} failed`;
}

function describeFailure({ seed, digest, violations }: SeedReport): string {
  const shown = violations.slice(0, SHOWN_VIOLATIONS).join("\n");
  return `seed ${seed}, digest ${digest}, ${violations.length} violations:\n${shown}\nAgain: ${replayCommand(seed)}`;
}

function rate(played: number, tookMs: number): number {
  return Math.round((10_000 * played) / Math.max(1, tookMs)) / 10;
}

function save({ next, failures }: Progress, to: number, failed: readonly number[]): void {
  const resume: Resume = { to, next, failed: [...failed, ...failures.map(({ seed }) => seed)] };
  mkdirSync(dirname(RESUME_FILE), { recursive: true });
  writeFileSync(RESUME_FILE, JSON.stringify(resume));
}

function resumed(): { from: number; to: number; failed: readonly number[] } {
  try {
    const { next, to, failed } = JSON.parse(readFileSync(RESUME_FILE, "utf8")) as Resume;
    return { from: next, to, failed };
  } catch {
    return refuse("--resume", "there is no run to go on with");
  }
}

function range(text: string): { from: number; to: number } {
  const [from, to] = text.split("..");
  if (from === undefined || to === undefined) return refuse("--seeds", "FROM..TO is wanted");
  const both = { from: wholeNumber("--seeds", from), to: wholeNumber("--seeds", to) };
  return both.from <= both.to ? both : refuse("--seeds", "FROM is greater than TO");
}

function wholeNumber(option: string, text: string): number {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : refuse(option, `${text} is no whole number`);
}

function refuse(option: string, why: string): never {
  process.stderr.write(`simulation: ${option}: ${why}\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
