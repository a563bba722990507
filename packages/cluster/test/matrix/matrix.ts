/**
 * Prints which combinations of server, topology, client and way of being woken hold all claims: every cell is run.
 * `scripts/redis-servers` brings the servers; the system's own is used as well. Run with `scripts/matrix`.
 *
 *     matrix.ts [--json] [NAME VERSION PROGRAM lines on stdin]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { CLIENTS } from "./clients.ts";
import type { CellResult } from "./row-process.ts";
import { TRANSPORTS } from "./run-cell.ts";
import { TOPOLOGIES } from "./topologies.ts";

interface Row {
  readonly server: string;
  /** Why cells are missing, if some are. */
  readonly endings: readonly string[];
  readonly cells: readonly CellResult[];
}

const ROW_PROCESS = fileURLToPath(new URL("row-process.ts", import.meta.url));
const ONLY_IOREDIS5 = new URL("only-ioredis5.ts", import.meta.url).href;
const MAX_ROW_MS = 600_000;

/** Where the application has ioredis 5.11, so does this package: there is only one. */
async function runRow(server: string, program: string): Promise<Row> {
  const [only5, others] = [CLIENTS.slice(0, 1), CLIENTS.slice(1)];
  const parts = [
    await runCells(program, only5, ["--import", ONLY_IOREDIS5]),
    await runCells(program, others, []),
  ];
  return {
    server,
    endings: parts.flatMap(({ ending }) => ending ?? []),
    cells: parts.flatMap(({ cells }) => cells),
  };
}

async function runCells(
  program: string,
  clients: readonly string[],
  execArgv: readonly string[],
): Promise<{ readonly cells: readonly CellResult[]; readonly ending: string | undefined }> {
  const child = spawn(process.execPath, [...execArgv, ROW_PROCESS, ...clients], {
    env: { ...process.env, SKEIN_REDIS_SERVER: program },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: MAX_ROW_MS,
    killSignal: "SIGKILL",
  });
  const ended = once(child, "close");
  const lines = (await text(child.stdout)).split("\n").filter((line) => line !== "");
  await ended;
  const { exitCode, signalCode } = child;
  return {
    cells: lines.map((line) => JSON.parse(line) as CellResult),
    ending:
      exitCode === 0 ? undefined : `cells of ${clients.join(", ")} ended with ${signalCode ?? exitCode}`,
  };
}

/** What was not run, for instance because a server did not start, failed. */
function cellOf({ cells }: Row, topology: string, client: string, transport: string): string {
  const cell = cells.find(
    (each) => each.topology === topology && each.client === client && each.transport === transport,
  );
  if (cell === undefined) return "not run";
  return cell.failure === undefined ? "ok" : "FAILED";
}

function print(rows: readonly Row[]): void {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const columns = CLIENTS.flatMap((client) => TRANSPORTS.map((transport) => [client, transport] as const));
  write(
    `| server | topology | ${columns.map(([client, transport]) => `${client}, ${transport}`).join(" | ")} |`,
  );
  write(`|---|---|${columns.map(() => "---").join("|")}|`);
  for (const row of rows) {
    for (const topology of TOPOLOGIES) {
      const cells = columns.map(([client, transport]) => cellOf(row, topology, client, transport));
      write(`| ${row.server} | ${topology} | ${cells.join(" | ")} |`);
    }
  }
  for (const { server, endings, cells } of rows) {
    for (const ending of endings) write(`${server}: ${ending}; its output is above`);
    for (const { topology, client, transport, failure } of cells) {
      if (failure !== undefined) write(`${server}, ${topology}, ${client}, ${transport}: ${failure}`);
    }
  }
}

const servers = (await text(process.stdin)).split("\n").filter((line) => line.trim() !== "");
const rows: Row[] = [];
for (const line of servers) {
  const [name = "", version = "", program = ""] = line.split(" ");
  process.stderr.write(`==> ${name} ${version}\n`);
  rows.push(await runRow(`${name} ${version}`, program));
}
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
else print(rows);
const expected = TOPOLOGIES.length * CLIENTS.length * TRANSPORTS.length;
const bad = rows.some(
  ({ cells }) => cells.length !== expected || cells.some(({ failure }) => failure !== undefined),
);
process.exitCode = rows.length === 0 || bad ? 1 : 0;
