/** The dashboard and the alert rules as the tests see them: their queries, and what these name. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const dashboardFile: URL = new URL("../src/dashboards/skein.json", import.meta.url);
export const alertsFile: URL = new URL("../src/alerts/skein.yaml", import.meta.url);

export interface Query {
  /** Where it stands, for messages. */
  readonly where: string;
  readonly expr: string;
}

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

export function panels(): readonly Panel[] {
  return (JSON.parse(readFileSync(dashboardFile, "utf8")) as { panels: Panel[] }).panels;
}

export function dashboardQueries(): readonly Query[] {
  return panels().flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel "${title}"`, expr })),
  );
}

/** The queries behind the variables: `label_values(metric, label)`. */
export function dashboardVariables(): readonly { readonly metric: string; readonly label: string }[] {
  const { templating } = JSON.parse(readFileSync(dashboardFile, "utf8")) as {
    templating: { list: { type: string; definition?: string }[] };
  };
  return templating.list
    .filter(({ type }) => type === "query")
    .map(({ definition = "" }) => {
      const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      return { metric, label };
    });
}

export function alertRules(): readonly AlertRule[] {
  const { groups } = parse(readFileSync(alertsFile, "utf8")) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export function alertQueries(): readonly Query[] {
  return alertRules().map(({ alert, expr }) => ({ where: `alert ${alert}`, expr }));
}

/** What Grafana puts in for its variables. */
export function filledIn(expr: string, rateInterval: string): string {
  return expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$key_prefix", ".*");
}

/** The names of Skein's metrics in a query, with the suffixes of histograms. */
export function metricsIn(expr: string): readonly string[] {
  return [...expr.matchAll(/\bsingleflight_[a-z_]+/g)].map(([name]) => name);
}

/** Labels of a query, with the metrics that they are asked of: in selectors, and in groupings of the whole query. */
export function labelsIn(
  expr: string,
): readonly { readonly label: string; readonly metrics: readonly string[]; readonly value?: string }[] {
  const selected = [...expr.matchAll(/\b(singleflight_[a-z_]+)\{([^}]*)\}/g)].flatMap(
    ([, metric = "", selector = ""]) =>
      [...selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = "", , value = ""]) => ({
        label,
        metrics: [metric],
        value,
      })),
  );
  const grouped = [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = ""]) =>
    labels.split(",").map((label) => ({ label: label.trim(), metrics: metricsIn(expr) })),
  );
  return [...selected, ...grouped];
}
