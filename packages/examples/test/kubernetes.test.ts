/** The Kubernetes manifests of the example service, against the schemas of the API and against the service itself. */
import { readdir, readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import type { Deployment } from "kubernetes-models/apps/v1/Deployment";
import type { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { readConfig } from "../src/service/service-config.ts";
import { pathsOf, problemsOf, type Manifest, type Path } from "./manifest.ts";

const FOLDER = new URL("../kubernetes/", import.meta.url);
const DOCUMENT = new URL("../../../docs/DEPLOYMENT.md", import.meta.url);
/** Their fields are named by whoever writes them. */
const MAPS = new Set(["labels", "annotations", "matchLabels", "selector", "requests", "limits"]);

let manifests: readonly Manifest[] = [];

beforeAll(async () => {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".yaml"));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, FOLDER), "utf8")));
  const documents = texts.flatMap((text) => parseAllDocuments(text));
  // A field that is there twice, among others.
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  manifests = documents.map((document) => document.toJS() as Manifest);
});

/** The same with a misspelt field beside this one: that something required is missing would be noticed anyway. */
function withMisspelt(manifest: Manifest, path: Path): Manifest {
  const copy = structuredClone(manifest);
  let place = copy as unknown as Record<string, unknown>;
  for (const name of path.slice(0, -1)) place = place[name] as Record<string, unknown>;
  const name = path.at(-1) ?? "";
  place[`${name}s`] = place[name];
  return copy;
}

/** Whether the API names this field: neither an element of a list nor an entry of a map. */
function isNamedByTheApi(path: Path): boolean {
  const name = path.at(-1) ?? "";
  const parent = path.at(-2) ?? "";
  // The selector of a Service is a map, others are not.
  const isMap = MAPS.has(parent) && !(parent === "selector" && name === "matchLabels");
  return !/^\d+$/u.test(name) && !isMap;
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
    for (const manifest of manifests) expect(problemsOf(manifest)).toEqual([]);
  });

  it("would be refused with a mistake in them", () => {
    const deployment = structuredClone(only<Manifest & { spec: { replicas?: unknown } }>("Deployment"));
    deployment.spec.replicas = "four";
    expect(problemsOf(deployment)).toEqual([expect.stringContaining("/spec/replicas")]);
  });

  it("would be refused with a misspelt field anywhere", () => {
    const accepted = manifests.flatMap((manifest) => {
      const fields = pathsOf(manifest).filter((path) => isNamedByTheApi(path));
      expect(fields.length).toBeGreaterThan(5);
      return fields.filter((path) => problemsOf(withMisspelt(manifest, path)).length === 0);
    });
    expect(accepted).toEqual([]);
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

  it("run the image, and read the secret, that the document makes", async () => {
    const text = await readFile(DOCUMENT, "utf8");
    const { image, envFrom } = only<Deployment>("Deployment").spec!.template.spec!.containers[0]!;
    expect(text).toContain(`docker push ${image}\n`);
    expect(text).toContain(`kubectl create secret generic ${envFrom![0]!.secretRef!.name} `);
    const secret = [...text.matchAll(/--from-literal=(\w+)=(["'])(.*)\2/gu)].map(
      ([, name = "", , value = ""]) => [name, value] as const,
    );
    const config = readConfig(Object.fromEntries(secret));
    expect(secret.map(([name]) => name)).toEqual(["REDIS_URL", "POSTGRES_URL", "FLIGHT_SECRETS"]);
    expect(config.FLIGHT_SECRETS).toHaveLength(1);
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
