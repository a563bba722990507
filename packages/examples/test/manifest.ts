/**
 * A Kubernetes manifest against the schemas of its API. The compiled schemas let unknown fields pass; but they can only
 * check a field that they know by reading it, so what they never read is reported as well.
 */
import { validate as deployment } from "kubernetes-models/_schemas/IoK8sApiAppsV1Deployment";
import { validate as service } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { validate as podDisruptionBudget } from "kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget";

interface Schema {
  (data: unknown): boolean;
  errors?: readonly { readonly instancePath: string; readonly message?: string; readonly keyword: string }[];
}

const SCHEMAS: Readonly<Record<Manifest["kind"], Schema>> = {
  Deployment: deployment,
  Service: service,
  PodDisruptionBudget: podDisruptionBudget,
};

export interface Manifest {
  readonly kind: "Deployment" | "Service" | "PodDisruptionBudget";
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

export type Path = readonly string[];

/** One line for each; none for a manifest that an API server would take without a warning. */
export function problemsOf(manifest: Manifest): readonly string[] {
  const read = new Set<string>();
  const schema = SCHEMAS[manifest.kind];
  const wrong = schema(noting(manifest, [], read))
    ? []
    : (schema.errors ?? []).map(
        ({ instancePath, message, keyword }) => `${instancePath} ${message ?? keyword}`,
      );
  const unknown = pathsOf(manifest)
    .map(told)
    .filter((path) => !read.has(path));
  return [...wrong, ...unknown.map((path) => `${path} is no field of the API`)];
}

/** Of every field, the outer ones before those in them. */
export function pathsOf(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [[...at, name], ...pathsOf(inner, [...at, name])]);
}

function noting(value: unknown, at: Path, read: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get: (target, name) => {
      const inner: unknown = Reflect.get(target, name);
      if (typeof name === "symbol" || !Object.hasOwn(target, name)) return inner;
      read.add(told([...at, name]));
      return noting(inner, [...at, name], read);
    },
  });
}

function told(path: Path): string {
  return `/${path.join("/")}`;
}
