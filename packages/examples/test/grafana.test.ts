/** What Grafana is given to start with, against the deployment that it is part of: it is not started anywhere in these tests. */
import { readdir, readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Where Grafana looks for its folders "dashboards" and "datasources". */
const PROVISIONING = "/etc/grafana/provisioning";

interface Service {
  readonly command?: readonly string[];
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

interface Providers {
  readonly apiVersion: number;
  readonly providers: readonly { readonly type: string; readonly options: { readonly path: string } }[];
}

interface DataSources {
  readonly apiVersion: number;
  readonly datasources: readonly {
    readonly type: string;
    readonly url: string;
    readonly isDefault?: boolean;
  }[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: unknown;
}

async function read(path: string): Promise<string> {
  return readFile(join(ROOT, path), "utf8");
}

const { services } = parse(await read("docker-compose.yml"), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
};

/** The folder of this repository that is mounted there. */
function mountedAt(target: string): string {
  const mounts = (services["grafana"]?.volumes ?? []).map((volume) => volume.split(":"));
  const [source] = mounts.find(([, at]) => at === target) ?? [];
  if (source === undefined) throw new Error(`Nothing is mounted at ${target}.`);
  return normalize(source);
}

const provisioning = mountedAt(PROVISIONING);

async function provisioned<T>(folder: string): Promise<readonly T[]> {
  const files = await readdir(join(ROOT, provisioning, folder));
  return Promise.all(
    files.map(async (file) => parse(await read(join(provisioning, folder, file))) as Awaited<T>),
  );
}

/** Every value of this field, however deep. */
function all(field: string, value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]): unknown[] => [
    ...(name === field ? [inner] : []),
    ...all(field, inner),
  ]);
}

test("the dashboards are read from where they are mounted", async () => {
  const [provider, ...others] = await provisioned<Providers>("dashboards");
  expect(others).toEqual([]);
  expect(provider).toMatchObject({ apiVersion: 1, providers: [{ type: "file" }] });
  const folder = mountedAt(provider?.providers[0]?.options.path ?? "");
  expect((await readdir(join(ROOT, folder))).filter((file) => file.endsWith(".json"))).not.toEqual([]);
});

test("the data source is the deployment's Prometheus, on a network of both and the port that it listens on", async () => {
  const [sources, ...others] = await provisioned<DataSources>("datasources");
  expect(others).toEqual([]);
  expect(sources).toMatchObject({ apiVersion: 1, datasources: [{ type: "prometheus", isDefault: true }] });
  const { protocol, hostname, port } = new URL(sources?.datasources[0]?.url ?? "");
  expect({ protocol, hostname }).toEqual({ protocol: "http:", hostname: "prometheus" });
  const { networks = [], ports = [] } = services[hostname] ?? {};
  expect(ports.map((published) => published.split(":").at(-1))).toEqual([port]);
  expect(networks).toEqual(expect.arrayContaining([...(services["grafana"]?.networks ?? ["none"])]));
});

test("every panel asks a data source of that kind", async () => {
  const [provider] = await provisioned<Providers>("dashboards");
  const folder = mountedAt(provider?.providers[0]?.options.path ?? "");
  for (const file of await readdir(join(ROOT, folder))) {
    const dashboard = JSON.parse(await read(join(folder, file))) as {
      templating: { list: readonly Variable[] };
    };
    const variable = dashboard.templating.list.find(({ type }) => type === "datasource");
    expect(variable?.query).toBe("prometheus");
    const asked = all("datasource", dashboard);
    expect(asked.length).toBeGreaterThan(0);
    for (const source of asked) {
      expect(source).toEqual({ type: "prometheus", uid: `\${${variable?.name}}` });
    }
  }
});
