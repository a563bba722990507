/** The part of the Standard Schema interface (version 1) that Skein uses; zod, valibot, arktype and others have it. */

/** Whatever has it checks a value, perhaps asynchronously, and may turn it into another one. */
export interface StandardSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

export type SchemaResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] };

/** Checks a value from another process; what the schema makes of it is what callers get. Never rejects. */
export async function checkForeignValue(
  schema: StandardSchema | undefined,
  value: unknown,
): Promise<{ ok: true; value: unknown } | { ok: false }> {
  if (schema === undefined) return { ok: true, value };
  try {
    const result = await schema["~standard"].validate(value);
    // Neither value nor issues is no verdict.
    return result.issues === undefined && "value" in result
      ? { ok: true, value: result.value }
      : { ok: false };
  } catch {
    return { ok: false };
  }
}
