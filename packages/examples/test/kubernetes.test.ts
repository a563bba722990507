/** The Kubernetes manifests of the example service, against the schemas of the API and against the service itself. */
import { readdir, readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Service } from "kubernetes-models/v1/Service";
import { readConfig } from "../src/service/service-config.ts";

const FOLDER = new URL("../kubernetes/", import.meta.url);
const MODELS = { Deployment, PodDisruptionBudget, Service };

interface Manifest {
  readonly kind: keyof typeof MODELS;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

let manifests: readonly Manifest[] = [];

beforeAll(async () => {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".yaml"));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, FOLDER), "utf8")));
  manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
});

function problemsOf(manifest: Manifest): string | undefined {
  try {
    new MODELS[manifest.kind](manifest as never).validate();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the kind says which it is
function only<T>(kind: Manifest["kind"]): T {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as unknown as T;
}

describe("the manifests", () => {
  it("are what the API's schemas allow", () => {
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual([
      "Deployment",
      "PodDisruptionBudget",
      "Service",
      "Service",
    ]);
    for (const manifest of manifests) expect(problemsOf(manifest)).toBeUndefined();
  });

  it("would be refused with a mistake in them", () => {
    const deployment = structuredClone(only<Manifest & { spec: { replicas?: unknown } }>("Deployment"));
    deployment.spec.replicas = "four";
    expect(problemsOf(deployment)).toContain("replicas");
  });

  it("give a pod the time that its drain may take", () => {
    const { template } = only<Deployment>("Deployment").spec!;
    const { containers, terminationGracePeriodSeconds } = template.spec!;
    const [service] = containers;
    const environment = Object.fromEntries((service?.env ?? []).map(({ name, value }) => [name, value]));
    const config = readConfig({ REDIS_URL: "redis://r", POSTGRES_URL: "postgres://p", ...environment });
    const preStopMs = Number(/(\d+)\)$/u.exec(service?.lifecycle?.preStop?.exec?.command?.at(-1) ?? "")?.[1]);
    const drainMs = preStopMs + config.DRAIN_DELAY_MS + config.DRAIN_MS;
    expect(terminationGracePeriodSeconds! * 1_000).toBeGreaterThan(drainMs);
    // A load balancer that asks every period must have had a chance to see it.
    const { periodSeconds, failureThreshold } = service!.readinessProbe!;
    expect(config.DRAIN_DELAY_MS).toBeGreaterThan(periodSeconds! * failureThreshold! * 1_000);
  });

  it("ask for liveness where Redis and Postgres have no say, and for readiness elsewhere", () => {
    const service = only<Deployment>("Deployment").spec!.template.spec!.containers[0]!;
    expect(service.livenessProbe?.httpGet?.path).toBe("/healthz");
    expect(service.readinessProbe?.httpGet?.path).toBe("/readyz");
  });

  it("select the pods that they mean", () => {
    const { labels } = only<Deployment>("Deployment").spec!.template.metadata!;
    for (const { kind, spec } of manifests) {
      if (kind === "Service") expect(labels).toMatchObject((spec as { selector: object }).selector);
    }
    expect(labels).toMatchObject(
      only<PodDisruptionBudget>("PodDisruptionBudget").spec!.selector!.matchLabels!,
    );
  });
});
