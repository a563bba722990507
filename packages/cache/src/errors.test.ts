import { readFileSync } from "node:fs";
import { SkeinError } from "@skein/core";
import { expect, test } from "vitest";
import { cacheErrorCodes, CachedWorkError } from "./errors.ts";

test("an error that was kept has the original's code, and says in skeinCode what it is", () => {
  const error = new CachedWorkError("TypeError", "boom", "E_BOOM");
  expect(error).toBeInstanceOf(SkeinError);
  expect(error).toMatchObject({
    name: "CachedWorkError",
    workName: "TypeError",
    message: "boom",
    code: "E_BOOM",
    skeinCode: "ERR_SKEIN_CACHED_WORK",
  });
  expect(new CachedWorkError("Error", "boom", undefined).code).toBe("ERR_SKEIN_CACHED_WORK");
});

test("docs/ERRORS.md lists every code of the cache, and no other", () => {
  const text = readFileSync(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("@skein/cache")) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const listed = rows.map((row) => /^\| `(\w+)` \|/.exec(row)?.[1] ?? "");
  expect(listed.toSorted()).toEqual([...cacheErrorCodes].toSorted());
  for (const row of rows) expect(row.split("|").slice(1, -1)).toHaveLength(5);
});
