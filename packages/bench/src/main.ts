/**
 * Measures Skein beside its peers and prints what came of it; a full run also writes docs/BENCHMARKS.md, its plots, and the
 * figures for programs. Run with `pnpm bench` or `scripts/bench`.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseRequest, type Request } from "./arguments.ts";
import { deathSection } from "./fleet/death-section.ts";
import { goneSection } from "./fleet/gone-section.ts";
import { stampedeSection } from "./fleet/stampede-section.ts";
import { floorSection } from "./floor/floor-section.ts";
import { growthSection } from "./growth/growth-section.ts";
import { inProcessSection } from "./in-process/in-process-section.ts";
import { withReport } from "./report/document.ts";
import { commitOfSkein, describeMachine, loadOfMachine, processorOfMachine } from "./report/machine.ts";
import { plotImage } from "./report/plot-image.ts";
import { printed, printedBar } from "./report/print.ts";
import { mergeReports, readReport, type Report, type SectionReport } from "./report/report.ts";
import type { Pace, Section } from "./report/section.ts";

const SECTIONS: readonly Section[] = [
  inProcessSection,
  stampedeSection,
  floorSection,
  deathSection,
  goneSection,
  growthSection,
];
const NAMES = SECTIONS.map(({ name }) => name);
const DOCS = new URL("../../../docs/", import.meta.url);
const DOCUMENT = new URL("BENCHMARKS.md", DOCS);
const PLOTS = new URL("benchmarks/", DOCS);
const FIGURES = new URL("figures.json", PLOTS);
const REDIS_PROGRAM = process.env["SKEIN_REDIS_SERVER"] ?? "redis-server";

const USAGE = `Usage: pnpm bench [--only ${NAMES.join(",")}] [--quick] [--json] [--write | --no-write]

  --only    these sections alone
  --quick   about three minutes instead of twenty; writes nothing unless --write says so
  --json    the figures for programs, instead of tables
  --write   docs/BENCHMARKS.md and docs/benchmarks/; what --only leaves out stays as it was
`;

const request = parseRequest(process.argv.slice(2), NAMES);
if (request.help) process.stdout.write(USAGE);
else await main(request);

async function main({ only, quick, json, write }: Request): Promise<void> {
  const sections: SectionReport[] = [];
  for (const section of SECTIONS.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const found = await runSection(section, quick ? "quick" : "full");
    sections.push(found);
    if (!json) process.stdout.write(`${printed(found.title, found)}\n`);
  }
  const report: Report = { machine: await describeMachine(REDIS_PROGRAM), sections };
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else printVerdict(report);
  if (write) await keep(report);
}

async function runSection(section: Section, pace: Pace): Promise<SectionReport> {
  const before = loadOfMachine();
  const beganAt = performance.now();
  const findings = await section.run(pace, (what) => tell(`${section.name}: ${what}`));
  const tookS = Math.round((performance.now() - beganAt) / 1_000);
  tell(`${section.name}: ${tookS} s`);
  const { name, title } = section;
  const date = new Date().toISOString().slice(0, 10);
  const [commit, processor] = [await commitOfSkein(), processorOfMachine()];
  const load = [before, loadOfMachine()] as const;
  return { name, title, date, commit, processor, pace, tookS, load, ...findings };
}

function printVerdict({ machine, sections }: Report): void {
  const bars = sections.flatMap((section) => section.bars);
  const missed = bars.filter(({ met }) => met === false);
  const { node, redis, processor, cores, date } = machine;
  process.stdout.write(
    [
      `\n== Bars: ${bars.filter(({ met }) => met === true).length} met, ${missed.length} NOT MET`,
      ...bars.map(printedBar),
      `Node ${node}, Redis ${redis}, ${cores} cores of ${processor}, ${date}; load average ${loadOfMachine()}.\n`,
    ].join("\n"),
  );
}

async function keep(fresh: Report): Promise<void> {
  const report = mergeReports(await readReport(FIGURES), fresh, NAMES);
  await mkdir(PLOTS, { recursive: true });
  await writeFile(FIGURES, `${JSON.stringify(report, null, 1)}\n`);
  for (const plot of report.sections.flatMap(({ plots }) => plots)) {
    await writeFile(new URL(`${plot.name}.svg`, PLOTS), plotImage(plot));
  }
  await writeFile(DOCUMENT, withReport(await readFile(DOCUMENT, "utf8"), report));
  tell("docs/BENCHMARKS.md is written");
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
