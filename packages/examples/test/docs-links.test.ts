// A link to another file, or to a heading of one, leads somewhere.

import { access } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { Markdown, ROOT } from "./markdown.ts";

const documents = await Markdown.all();

describe("the documents", () => {
  it("include the front page and the pages that it lists", () => {
    const paths = documents.map(({ path }) => path);
    for (const page of ["README.md", "docs/GUARANTEES.md", "packages/cluster/README.md"]) {
      expect(paths).toContain(page);
    }
  });

  it.each(documents.map((document) => [document.path, document] as const))(
    "%s links only to what exists",
    async (_path, document) => {
      expect(await brokenLinks(document)).toEqual([]);
    },
  );

  it("can all be reached from the front page", () => {
    const reached = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const document = documents.find((candidate) => candidate.path === path);
      for (const { target } of document?.links ?? []) {
        if (!isForeign(target)) follow(fileOf(path, target));
      }
    };
    follow("README.md");
    expect(documents.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });
});

async function brokenLinks(document: Markdown): Promise<string[]> {
  const broken: string[] = [];
  for (const { target, line } of document.links) {
    if (!isForeign(target) && !(await leadsSomewhere(document, target))) {
      broken.push(`${document.path}:${line}: ${target}`);
    }
  }
  return broken;
}

async function leadsSomewhere(from: Markdown, target: string): Promise<boolean> {
  const path = fileOf(from.path, target);
  const anchor = target.split("#")[1];
  try {
    await access(join(ROOT, path));
  } catch {
    return false;
  }
  if (anchor === undefined) return true;
  const document = documents.find((candidate) => candidate.path === path);
  return document?.headings.some((heading) => heading.anchor === anchor) === true;
}

function fileOf(from: string, target: string): string {
  const [file = ""] = target.split("#");
  return file === "" ? from : normalize(join(dirname(from), file));
}

function isForeign(target: string): boolean {
  return /^[a-z]+:/u.test(target);
}
