import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as core from "./index.ts";
import { coreErrorCodes, SkeinError, type CoreErrorCode } from "./index.ts";

/** One of each, as core makes them. */
const errors: SkeinError[] = [
  new core.InvalidOptionError("maxAgeMs", -1, "must be positive"),
  new core.InvalidArgumentError("key", 5, "must be a string"),
  new core.FlightTimeoutError(50),
  new core.FlightsFullError(10),
  new core.TooManyWaitersError(10),
  new core.ReentrantCallError(),
  new core.ClosedError(),
  new core.FlightAgedError(30_000),
  new core.FlightEvictedError(10),
  new core.FlightUnwantedError(),
];

/** The rows of a section's table, as cells without their code marks. */
function table(section: string): string[][] {
  const text = readFileSync(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8");
  const [, body = ""] = text.split(`\n## ${section}\n`);
  const [own = ""] = body.split("\n## ");
  const rows = own.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

describe("docs/ERRORS.md", () => {
  const rows = table("@skein/core");

  test("lists every code of core, with its class, and no other", () => {
    const listed = rows.map(([code, name]) => [code, name]);
    expect(listed).toEqual(
      coreErrorCodes.map((code) => [code, errors.find((error) => error.code === code)?.name]),
    );
  });

  test("says of each who sees it, why, and what to do", () => {
    for (const row of rows) {
      expect(row).toHaveLength(5);
      for (const cell of row) expect(cell.length).toBeGreaterThan(10);
    }
  });
});

describe("the errors of core", () => {
  test("are all exported, and every exported error class has a code of its own", () => {
    const exported = Object.values(core).filter(
      (value): value is typeof SkeinError =>
        typeof value === "function" && value.prototype instanceof SkeinError,
    );
    expect(new Set(exported)).toEqual(new Set(errors.map((error) => error.constructor)));
    expect(errors.map(({ code }) => code)).toEqual([...coreErrorCodes]);
    expect(new Set(coreErrorCodes).size).toBe(coreErrorCodes.length);
  });

  test.for(errors.map((error) => [error.name, error] as const))(
    "%s is a SkeinError named after its class",
    ([name, error]) => {
      expect(error).toBeInstanceOf(SkeinError);
      expect(error).toBeInstanceOf(Error);
      expect(error.constructor.name).toBe(name);
      expect(error.code).toMatch(/^ERR_SKEIN_[A-Z_]+$/);
      expect(String(error)).toBe(`${name}: ${error.message}`);
      expect(error.stack).toContain("errors.test.ts");
    },
  );

  test("carry a cause when they are given one", () => {
    const cause = new Error("root");
    expect(new SkeinError("ERR_SKEIN_X", "wrapped", { cause }).cause).toBe(cause);
    expect(new core.InvalidOptionError("x", 1, "rule", { cause }).cause).toBe(cause);
  });

  test("have a closed set of codes", () => {
    expectTypeOf<"ERR_SKEIN_CLOSED">().toExtend<CoreErrorCode>();
    expectTypeOf<"ERR_SKEIN_NONSENSE">().not.toExtend<CoreErrorCode>();
    expectTypeOf(coreErrorCodes[0]).toEqualTypeOf<"ERR_SKEIN_INVALID_OPTION">();
  });
});
