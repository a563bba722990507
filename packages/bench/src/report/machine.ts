/** Where and with what figures were measured: without it they say nothing. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { promisify } from "node:util";

export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly v8: string;
  readonly redis: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  /** Contenders and what they stand on, with the versions that ran. */
  readonly packages: Readonly<Record<string, string>>;
}

const OWN_PACKAGE = new URL("../../package.json", import.meta.url);
const OWN_DIRECTORY = new URL("../../", import.meta.url);
const GIB = 2 ** 30;

export async function describeMachine(redisProgram: string): Promise<Machine> {
  const own = JSON.parse(await readFile(OWN_PACKAGE, "utf8")) as { dependencies: Record<string, string> };
  const names = Object.keys(own.dependencies).filter((name) => !name.startsWith("@skein/"));
  const versions = await Promise.all(names.map(async (name) => [name, await versionOf(name)] as const));
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    v8: process.versions.v8,
    redis: await redisVersion(redisProgram),
    processor: processorOfMachine(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / GIB),
    platform: `${process.platform} ${process.arch}`,
    packages: Object.fromEntries(versions),
  };
}

/** Skein's own version, by its history; "unknown" outside of a checkout. */
export async function commitOfSkein(): Promise<string> {
  try {
    const commit = await git("rev-parse", "--short=10", "HEAD");
    return (await git("status", "--porcelain", "--", "..")) === "" ? commit : `${commit} and changes`;
  } catch {
    return "unknown";
  }
}

export function processorOfMachine(): string {
  return cpus()[0]?.model ?? "unknown";
}

/** How many programs wanted a processor, on average over the last minute. */
export function loadOfMachine(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("git", args, { cwd: OWN_DIRECTORY });
  return stdout.trim();
}

async function versionOf(name: string): Promise<string> {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

async function redisVersion(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"]);
    return /v=([\d.]+)/u.exec(stdout)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
