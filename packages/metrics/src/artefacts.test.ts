/** Dashboard and alert rules against the list of metrics: what they name exists, and what exists is shown. */
import { describe, expect, test } from "vitest";
import {
  alertQueries,
  alertRules,
  dashboardQueries,
  dashboardVariables,
  labelsIn,
  metricsIn,
  panels,
  type Query,
} from "../test/artefacts.ts";
import { labelValues } from "./label-values.ts";
import type { MetricDefinition } from "./metric-definition.ts";
import { metricDefinitions } from "./metric-names.ts";

/** What Prometheus adds to every series. */
const TARGET_LABELS: ReadonlySet<string> = new Set(["job", "instance"]);
const queries: readonly Query[] = [...dashboardQueries(), ...alertQueries()];
const definitions: readonly MetricDefinition[] = Object.values(metricDefinitions);

function definitionOf(series: string): MetricDefinition | undefined {
  return definitions.find(({ name, kind }) =>
    kind === "histogram"
      ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(series)
      : name === series,
  );
}

test.each(queries)("$where names only metrics that exist", ({ expr }) => {
  expect(metricsIn(expr).length).toBeGreaterThan(0);
  const unknown = metricsIn(expr).filter((name) => definitionOf(name) === undefined);
  expect(unknown).toEqual([]);
});

test.each(queries)("$where names only labels, and values of labels, that its metrics have", ({ expr }) => {
  for (const { label, metrics, value } of labelsIn(expr)) {
    for (const metric of metrics) {
      const definition = definitionOf(metric);
      const own = definition?.labels.find((one) => one.label === label);
      const foreign = TARGET_LABELS.has(label) || (label === "le" && definition?.kind === "histogram");
      expect({ metric, label, known: own !== undefined || foreign }).toEqual({ metric, label, known: true });
      if (value === undefined || own === undefined || own.values === "prefix") continue;
      for (const one of value.split("|")) expect(labelValues[own.values]).toContain(one);
    }
  }
});

test.each(definitions)("$name is shown in the dashboard", ({ name }) => {
  const shown = dashboardQueries().flatMap(({ expr }) =>
    metricsIn(expr).map((series) => definitionOf(series)?.name),
  );
  expect(shown).toContain(name);
});

describe("the dashboard", () => {
  test("begins with the savings: calls against executions", () => {
    const [row, ...rest] = panels();
    expect(row).toMatchObject({ type: "row", title: "Savings" });
    const rows = panels()
      .filter(({ type }) => type === "row")
      .map(({ title }) => title);
    expect(rows).toEqual(["Savings", "Executions", "Takeovers", "Fallbacks", "Latency", "Cache", "Limits"]);
    expect(rest[0]?.targets?.[0]?.expr).toContain("singleflight_coalesced_total");
  });

  test("fills its variables from a metric and a label that exist", () => {
    expect(dashboardVariables().length).toBeGreaterThan(0);
    for (const { metric, label } of dashboardVariables()) {
      expect(definitionOf(metric)?.labels.map((one) => one.label)).toContain(label);
    }
  });

  test("has panels that say what they show, with a legend that the query can fill, and that do not overlap", () => {
    const taken = new Set<string>();
    for (const { type, description, targets = [], gridPos } of panels()) {
      if (type !== "row") expect(description).toMatch(/\.$/);
      for (const { legendFormat, expr } of targets) {
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect(labelsIn(expr).map((one) => one.label)).toContain(label);
        }
      }
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}/${y}`)).toBe(false);
          expect(x).toBeLessThan(24);
          taken.add(`${x}/${y}`);
        }
      }
    }
  });
});

describe("the alert rules", () => {
  test("have a name of their own, a severity, and say what happened and what to do", () => {
    const names = alertRules().map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, labels, annotations } of alertRules()) {
      expect(alert).toMatch(/^Singleflight[A-Z]\w+$/);
      expect(["page", "ticket"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.description).toMatch(/\.$/);
    }
  });

  test("fill their texts only with labels that their query leaves", () => {
    for (const { expr, annotations } of alertRules()) {
      const grouped = new Set(
        [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(/,\s*/)),
      );
      for (const text of Object.values(annotations)) {
        for (const [, label = ""] of text.matchAll(/\$labels\.(\w+)/g)) expect(grouped).toContain(label);
      }
    }
  });
});
