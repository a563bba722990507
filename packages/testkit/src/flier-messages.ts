/** What a flier and its parent say to each other. Structured clones: undefined, bigint, dates and buffers arrive as such. */

/** Something that happened in the child. */
export interface FlierEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type ToFlier =
  | { readonly kind: "start"; readonly config: unknown }
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: "send"; readonly method: string; readonly args: readonly unknown[] };

export type FromFlier =
  | { readonly kind: "ready" }
  | { readonly kind: "event"; readonly event: FlierEvent }
  | { readonly kind: "value"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number | null; readonly error: CrossedError };

/** An error on its way between two processes. */
export interface CrossedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Own fields, `code` among them, as far as they can be cloned. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const CARRIED_BY_NAME = new Set(["name", "message", "stack", "cause"]);

export function packError(thrown: unknown): CrossedError {
  const error = thrown instanceof Error ? thrown : new Error(`Not an error was thrown: ${String(thrown)}`);
  const own = Object.entries(error).filter(([field]) => !CARRIED_BY_NAME.has(field));
  const fields = withClonableFields(Object.fromEntries(own));
  return { name: error.name, message: error.message, stack: error.stack ?? "", fields };
}

/** A plain Error under the original's name, with the original's stack. */
export function unpackError({ name, message, stack, fields }: CrossedError): Error {
  const error = Object.assign(new Error(message), fields);
  error.name = name;
  error.stack = stack;
  return error;
}

/** A copy whose fields can cross: a function, a signal or the like becomes its text. */
export function withClonableFields<T extends object>(fields: T): T {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]): [string, unknown] => [
    name,
    isClonable(value) ? value : String(value),
  ]);
  return Object.fromEntries(entries) as T;
}

function isClonable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
