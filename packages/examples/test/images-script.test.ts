/** scripts/images, with a program in the place of `docker` that knows some images and can fetch none. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const NAMES = [
  "NODE_IMAGE",
  "REDIS_IMAGE",
  "POSTGRES_IMAGE",
  "PROMETHEUS_IMAGE",
  "VALKEY_IMAGE",
  "SERVICE_IMAGE",
];

const DOCKER = `#!/bin/sh
case "$1" in
  info | build) exit 0 ;;
  image) case " $KNOWN_IMAGES " in *" $3 "*) exit 0 ;; esac ;;
esac
exit 1
`;

/** What docker-compose.yml takes where nothing is named. */
const official = Object.fromEntries(
  [...readFileSync(join(ROOT, "docker-compose.yml"), "utf8").matchAll(/\$\{(\w+_IMAGE):-([^}]+)\}/gu)].map(
    ([, name = "", image = ""]) => [name, image],
  ),
);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-images-"));
  writeFileSync(join(folder, "docker"), DOCKER, { mode: 0o755 });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function imagesFrom(environment: Readonly<Record<string, string>>, ...args: string[]): object {
  const { status, stdout, stderr } = spawnSync(join(ROOT, "scripts/images"), args, {
    encoding: "utf8",
    env: { PATH: `${folder}:${process.env["PATH"]}`, HOME: folder, ...environment },
  });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const lines = stdout.trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split("=")) as [string, string][]);
}

describe("scripts/images", () => {
  it("names the images of docker-compose.yml where all of them can be had", () => {
    const { GRAFANA_IMAGE: _, ...expected } = official;
    expect(imagesFrom({ KNOWN_IMAGES: Object.values(official).join(" ") }, "--valkey")).toEqual(expected);
  });

  it.each([[["--valkey"]], [["--valkey", "--local"]]])(
    "leaves those that the environment names as they are, with %s",
    (args) => {
      const named = Object.fromEntries(
        NAMES.map((name) => [name, `registry.example/${name.toLowerCase()}:1`]),
      );
      expect(imagesFrom(named, ...args)).toMatchObject(named);
    },
  );
});
