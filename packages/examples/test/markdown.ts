// What the tests of the documents read out of them: files, code blocks, tables, headings, links.

import { glob, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

const BUILT = new Set(["node_modules", "dist", ".tools", ".git"]);

/** A row of a table: its cells, without the surrounding blanks. */
export type Row = readonly string[];

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
}

export interface Heading {
  readonly text: string;
  /** What a link to it is called. */
  readonly anchor: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

export class Markdown {
  /** Relative to the top of the repository. */
  readonly path: string;
  readonly text: string;

  private constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  static async read(path: string): Promise<Markdown> {
    return new Markdown(path, await readSource(path));
  }

  /** Every document of the repository that somebody wrote: changelogs are written by the release. */
  static async all(): Promise<Markdown[]> {
    const paths = await filesIn(".", "**/*.md");
    const written = paths.filter((path) => !path.endsWith("CHANGELOG.md"));
    return Promise.all(written.map((path) => Markdown.read(path)));
  }

  get codeBlocks(): CodeBlock[] {
    const blocks: CodeBlock[] = [];
    for (const match of this.text.matchAll(/^```(\w*)[^\n]*\n(.*?)^```$/gmsu)) {
      const line = this.text.slice(0, match.index).split("\n").length + 1;
      blocks.push({ language: match[1] ?? "", code: match[2] ?? "", line });
    }
    return blocks;
  }

  /** The text without its code blocks, line for line. */
  get prose(): string {
    return this.text.replace(/^```.*?^```$/gmsu, (block) => block.replaceAll(/[^\n]/gu, ""));
  }

  get headings(): Heading[] {
    const seen = new Map<string, number>();
    return Array.from(this.prose.matchAll(/^#{1,6} (.+)$/gmu), ([, text = ""]) => {
      const slug = text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-");
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return { text, anchor: before === 0 ? slug : `${slug}-${before}` };
    });
  }

  get links(): Link[] {
    const found: Link[] = [];
    for (const [index, line] of this.prose.split("\n").entries()) {
      const withoutCode = line.replaceAll(/`[^`]*`/gu, (code) => "x".repeat(code.length));
      for (const [, target = ""] of withoutCode.matchAll(/\]\(([^)\s]+)\)/gu)) {
        found.push({ target, line: index + 1 });
      }
    }
    return found;
  }

  /** The text below a heading, up to the next one of the same or a higher level. */
  section(heading: string): string {
    const lines = this.text.split("\n");
    const from = lines.findIndex((line) => /^#+ /u.test(line) && line.replace(/^#+ /u, "") === heading);
    if (from === -1) throw new Error(`${this.path} has no section "${heading}".`);
    const level = lines[from]?.indexOf(" ") ?? 0;
    const end = lines.findIndex(
      (line, index) => index > from && /^#+ /u.test(line) && line.indexOf(" ") <= level,
    );
    return lines.slice(from + 1, end === -1 ? undefined : end).join("\n");
  }

  /** The rows of the first table below a heading, its title row excepted. */
  table(heading: string): Row[] {
    const rows = this.tables(heading)[0];
    if (rows === undefined) throw new Error(`${this.path} has no table below "${heading}".`);
    return rows;
  }

  tables(heading: string): Row[][] {
    const tables = this.section(heading).match(/(?:^\|.*\n?)+/gmu) ?? [];
    return tables.map((table) => table.trim().split("\n").slice(2).map(cellsOf));
  }
}

/** A file of the repository. */
export function readSource(path: string): Promise<string> {
  return readFile(join(ROOT, path), "utf8");
}

/** The files of a folder of the repository that match, relative to it. What was built or installed is left out. */
export async function filesIn(folder: string, pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern, { cwd: join(ROOT, folder), exclude: isBuilt })) paths.push(path);
  return paths.toSorted();
}

function isBuilt(path: string): boolean {
  return BUILT.has(path.split(sep).at(-1) ?? "");
}

/** The words of a text that stand in backticks. */
export function codeWords(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/gu), ([, word = ""]) => word);
}

function cellsOf(line: string): Row {
  return line
    .trim()
    .replaceAll(/^\||\|$/gu, "")
    .split(/(?<!\\)\|/u)
    .map((cell) => cell.trim());
}
