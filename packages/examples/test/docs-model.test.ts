// docs/MODEL.md names steps that the model has, files that exist, and the verdict of each check, as it has to be.

import { expect, it } from "vitest";
import { Markdown, filesIn, readSource } from "./markdown.ts";

const MODEL = "packages/cluster/test/model";
const document = await Markdown.read("docs/MODEL.md");
const sources = await Promise.all(
  (await filesIn(MODEL, "*.pml")).map((path) => readSource(`${MODEL}/${path}`)),
);
const model = sources.join("\n");
const names = (cell: string): string[] => Array.from(cell.matchAll(/`(\w+)`/gu), ([, name = ""]) => name);

it("names steps that the model has", () => {
  const steps = document.table("What each step stands for").flatMap(([cell = ""]) => names(cell));
  expect(steps.length).toBeGreaterThan(15);
  for (const step of steps) expect(model).toMatch(new RegExp(`\\b${step}\\b`, "u"));
});

it("names every claim", () => {
  const claims = Array.from(model.matchAll(/^ltl (\w+)/gmu), ([, name = ""]) => name);
  const named = document.table("What it claims").flatMap(([cell = ""]) => names(cell));
  expect(claims.filter((name) => !name.startsWith("never")).toSorted()).toEqual(named.toSorted());
});

it("names every switch that leaves a part out, and each is seen to fail", () => {
  const left = new Set(Array.from(model.matchAll(/^#ifn?def (NO\w+|TOKONLY)$/gmu), ([, name = ""]) => name));
  const failed = document
    .table("Checks")
    .filter(([, , , verdict = ""]) => verdict === "fails")
    .flatMap(([, switches = ""]) => names(switches));
  for (const name of left) {
    expect(document.section("What it claims")).toContain(`\`${name}\``);
    expect(failed).toContain(name);
  }
});

it("tells of no check that did not end as expected", () => {
  const checks = document.table("Checks");
  expect(checks.length).toBeGreaterThan(40);
  for (const [claim, switches, expected, verdict] of checks) {
    expect(`${claim} ${switches}: ${verdict}`).toBe(`${claim} ${switches}: ${expected}`);
  }
});
