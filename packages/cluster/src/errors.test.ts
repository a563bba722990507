import { readFileSync } from "node:fs";
import { SkeinError } from "@skein/core";
import { describe, expect, test } from "vitest";
import {
  clusterErrorCodes,
  CoordinationUnavailableError,
  FallbackLimitError,
  FlightAbandonedError,
  InvalidKeyError,
  LeaseLostError,
  SkeinClusterError,
  WaitTimeoutError,
} from "./errors.ts";
import * as errors from "./errors.ts";
import { RemoteWorkError } from "./remote-work-error.ts";

/** One of each, with the code that is Skein's. */
const examples: readonly [error: SkeinError, code: string][] = [
  new FlightAbandonedError(3, 12_000),
  new CoordinationUnavailableError("breaker-open"),
  new FallbackLimitError(10),
  new WaitTimeoutError(60_000),
  new LeaseLostError("fenced"),
  new InvalidKeyError(0, 1_024),
].map((error) => [error, error.code] as const satisfies [SkeinError, string]);

const remote = new RemoteWorkError("TypeError", "boom", undefined);
const classesByCode = new Map<string, string>([
  ...examples.map(([error, code]) => [code, error.constructor.name] as const),
  [remote.skeinCode, remote.constructor.name],
]);

/** The rows of the cluster's table in docs/ERRORS.md: code, class, who sees it, why, what to do. */
function documented(): string[][] {
  const text = readFileSync(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("@skein/cluster")) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("the errors of the cluster", () => {
  test.each(examples)("%s has a code of the closed set, its own name and one base", (error, code) => {
    expect(clusterErrorCodes).toContain(code);
    expect(error).toBeInstanceOf(SkeinClusterError);
    expect(error).toBeInstanceOf(SkeinError);
    expect(error.name).toBe(error.constructor.name);
  });

  test("have one class for every code, and one code for every class", () => {
    const exported = Object.entries(errors).filter(
      ([name, value]) => typeof value === "function" && name !== "SkeinClusterError",
    );
    expect([...classesByCode.keys()].toSorted()).toEqual([...clusterErrorCodes].toSorted());
    expect([...classesByCode.values()].toSorted()).toEqual(
      [...exported.map(([name]) => name), "RemoteWorkError"].toSorted(),
    );
  });

  test("say what happened in numbers and reasons that code can read", () => {
    expect(new FlightAbandonedError(3, 12_000)).toMatchObject({ takeovers: 3, retryAfterMs: 12_000 });
    expect(new CoordinationUnavailableError("timeout")).toMatchObject({ reason: "timeout" });
    expect(new FallbackLimitError(10)).toMatchObject({ maxFallbackConcurrency: 10 });
    expect(new WaitTimeoutError(60_000)).toMatchObject({ waitTimeoutMs: 60_000 });
    expect(new LeaseLostError("forgotten")).toMatchObject({ why: "forgotten" });
  });

  test("show the length of a bad key, never the key", () => {
    expect(new InvalidKeyError(2_000, 1_024).message).toBe(
      "the key has 2000 bytes; it must have 1 to 1024 (maxKeyBytes)",
    );
  });
});

describe("docs/ERRORS.md", () => {
  test("lists every code of the cluster with its class, and no other", () => {
    const listed = documented().map(([code, name]) => `${code} ${name}`);
    const existing = [...classesByCode].map(([code, name]) => `\`${code}\` \`${name}\``);
    expect(new Set(listed)).toEqual(new Set(existing));
    expect(listed).toHaveLength(existing.length);
  });

  test("says of each who sees it, why, and what to do", () => {
    for (const row of documented()) {
      expect(row).toHaveLength(5);
      expect(row).not.toContain("");
    }
  });
});
