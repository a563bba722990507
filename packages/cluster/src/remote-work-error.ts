/**
 * An error of the work as it crosses processes: message, code and causes, never a class, a stack or other properties.
 * JSON whatever the codec of values is; bounded in depth, breadth and length. Anything can be thrown, so nothing about
 * it is trusted: a getter or proxy that throws costs only what it hides.
 */
import { SkeinClusterError } from "./errors.ts";

/** Causes below an error that travel with it. */
const MAX_CAUSES = 8;
/** Errors of one AggregateError, and errors altogether. */
const MAX_AGGREGATED = 16;
const MAX_ERRORS = 64;
const MAX_MESSAGE_BYTES = 8 * 1024;
const MAX_NAME_BYTES = 256;

export interface RemoteErrorOptions extends ErrorOptions {
  errors?: readonly RemoteWorkError[];
}

/** The base, without its promise that every `code` is one of ours: here it is the remote's. */
type RemoteBase = new (
  code: string | number | undefined,
  message: string,
  options?: ErrorOptions,
) => Omit<SkeinClusterError, "code"> & { readonly code: string | number | undefined };
const RemoteBase = SkeinClusterError as unknown as RemoteBase;

/**
 * The work failed in another process. `message`, `code` and the `cause` chain are the remote error's; branch on `code`.
 * Class and stack are this error's own. A cause, and whatever was thrown that is no Error, is a RemoteWorkError too.
 */
export class RemoteWorkError extends RemoteBase {
  override readonly name = "RemoteWorkError";
  readonly skeinCode = "ERR_SKEIN_REMOTE_WORK";
  /** The remote error's `name`; for what is no Error its type, such as "string". */
  readonly remoteName: string;
  /** Of a remote AggregateError, the first 16. */
  declare readonly errors?: readonly RemoteWorkError[];

  constructor(
    remoteName: string,
    message: string,
    code: string | number | undefined,
    options: RemoteErrorOptions = {},
  ) {
    const { errors, ...rest } = options;
    super(code, message, rest);
    this.remoteName = remoteName;
    if (errors !== undefined) this.errors = errors;
  }
}

interface EncodedError {
  name: string;
  message: string;
  code?: string | number;
  cause?: EncodedError;
  errors?: EncodedError[];
}

/** JSON for anything that can be thrown. Never throws itself. */
export function encodeError(error: unknown): string {
  return JSON.stringify(encodeOne(error, [], { left: MAX_ERRORS }));
}

/** @throws when the text is not an encoded error. */
export function decodeError(text: string): RemoteWorkError {
  return decodeOne(JSON.parse(text), 0, { left: MAX_ERRORS });
}

/** How many errors may still be taken along. */
interface Budget {
  left: number;
}

function encodeOne(error: unknown, above: readonly unknown[], budget: Budget): EncodedError {
  budget.left--;
  if (!isObject(error)) return { name: error === null ? "null" : typeof error, message: textOf(error) };
  const encoded: EncodedError = { name: nameOf(error), message: messageOf(error) };
  const code = read(error, "code");
  if (isCode(code)) encoded.code = code;
  const path = [...above, error];
  const travels = (next: unknown): boolean =>
    next !== undefined && path.length <= MAX_CAUSES && budget.left > 0 && !path.includes(next);
  const cause = read(error, "cause");
  if (travels(cause)) encoded.cause = encodeOne(cause, path, budget);
  const aggregated = aggregatedBy(error, encoded.name);
  if (aggregated !== undefined) {
    encoded.errors = aggregated.flatMap((next) => (travels(next) ? encodeOne(next, path, budget) : []));
  }
  return encoded;
}

function decodeOne(encoded: unknown, depth: number, budget: Budget): RemoteWorkError {
  const { name, message, code, cause, errors } = Object(encoded) as Partial<
    Record<keyof EncodedError, unknown>
  >;
  if (typeof name !== "string" || typeof message !== "string") throw new TypeError("not an encoded error");
  budget.left--;
  const options: RemoteErrorOptions = {};
  const travels = (next: unknown): boolean => next !== undefined && depth < MAX_CAUSES && budget.left > 0;
  if (travels(cause)) options.cause = decodeOne(cause, depth + 1, budget);
  if (Array.isArray(errors)) {
    const aggregated: unknown[] = errors.slice(0, MAX_AGGREGATED);
    options.errors = aggregated.flatMap((next) => (travels(next) ? decodeOne(next, depth + 1, budget) : []));
  }
  return new RemoteWorkError(name, message, isCode(code) ? code : undefined, options);
}

function nameOf(error: object): string {
  if (typeof error === "function") return "function";
  // A second hop stands in for the same error.
  const remote = read(error, "skeinCode") === "ERR_SKEIN_REMOTE_WORK" ? read(error, "remoteName") : undefined;
  const name = remote ?? read(error, "name");
  return typeof name === "string" && name !== "" ? clip(name, MAX_NAME_BYTES) : "object";
}

function messageOf(error: object): string {
  if (typeof error === "function") return "the work threw a function";
  const message = read(error, "message");
  if (message === undefined || isObject(message)) return "the work threw an object without a message";
  return textOf(message);
}

/** Only what calls itself an AggregateError: an `errors` property of others may hold anything. */
function aggregatedBy(error: object, name: string): unknown[] | undefined {
  const errors = name === "AggregateError" ? read(error, "errors") : undefined;
  const length = isObject(errors) ? read(errors, "length") : undefined;
  if (!isObject(errors) || typeof length !== "number") return undefined;
  return Array.from({ length: Math.min(length, MAX_AGGREGATED) }, (_, index) => read(errors, index));
}

function textOf(primitive: unknown): string {
  return clip(String(primitive), MAX_MESSAGE_BYTES);
}

/** Part of a code would be another code: one that is too long does not travel. */
function isCode(code: unknown): code is string | number {
  return typeof code === "string" ? Buffer.byteLength(code) <= MAX_NAME_BYTES : Number.isFinite(code);
}

function read(from: object, property: string | number): unknown {
  try {
    return Reflect.get(from, property);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** At most so many bytes of UTF-8, whole characters, an ellipsis in place of the rest. */
function clip(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes) return text;
  const { read: fitting } = new TextEncoder().encodeInto(
    text,
    new Uint8Array(maxBytes - Buffer.byteLength("…")),
  );
  return `${text.slice(0, fitting)}…`;
}
