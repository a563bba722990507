import { describe, expect, test } from "vitest";
import * as z from "zod";
import { checkForeignValue, type StandardSchema } from "./standard-schema.ts";

function schemaOf(validate: StandardSchema["~standard"]["validate"]): StandardSchema {
  return { "~standard": { version: 1, vendor: "own", validate } };
}

describe("a value from another process", () => {
  test("is used as it is when there is no schema", async () => {
    const value = {};
    const checked = await checkForeignValue(undefined, value);
    expect(checked).toEqual({ ok: true, value });
    expect(checked).toHaveProperty("value", value);
  });

  test("is used when a zod schema accepts it", async () => {
    const user: StandardSchema = z.object({ id: z.int(), name: z.string() });
    expect(await checkForeignValue(user, { id: 1, name: "n" })).toEqual({
      ok: true,
      value: { id: 1, name: "n" },
    });
    expect(await checkForeignValue(user, { id: "1", name: "n" })).toEqual({ ok: false });
    expect(await checkForeignValue(user, undefined)).toEqual({ ok: false });
  });

  test("is what the schema makes of it", async () => {
    const schema = z.object({ at: z.coerce.date() });
    const checked = await checkForeignValue(schema, { at: "1970-01-01T00:00:00.000Z", extra: 1 });
    expect(checked).toEqual({ ok: true, value: { at: new Date(0) } });
  });

  test("may be checked asynchronously", async () => {
    const even = z.number().refine(async (n) => Promise.resolve(n % 2 === 0));
    expect(await checkForeignValue(even, 2)).toEqual({ ok: true, value: 2 });
    expect(await checkForeignValue(even, 3)).toEqual({ ok: false });
  });

  test("may be undefined", async () => {
    expect(await checkForeignValue(z.undefined(), undefined)).toEqual({ ok: true, value: undefined });
  });

  test("is not used when the schema throws, rejects, or gives no verdict", async () => {
    const refuse = (): never => {
      throw new Error("no");
    };
    expect(await checkForeignValue(schemaOf(refuse), 1)).toEqual({ ok: false });
    expect(
      await checkForeignValue(
        schemaOf(async () => Promise.reject(new Error("no"))),
        1,
      ),
    ).toEqual({ ok: false });
    for (const verdict of [undefined, null, true, {}, { issues: [] }]) {
      expect(
        await checkForeignValue(
          schemaOf(() => verdict as never),
          1,
        ),
      ).toEqual({ ok: false });
    }
  });
});
