/**
 * An error of the work as it crosses processes: message, code and causes, never a class or a stack. JSON whatever the
 * value's codec is. Not promised: that every property survives; callers branch on `code`.
 */
import { SkeinClusterError } from "./errors.ts";

const MAX_DEPTH = 8;
const MAX_MESSAGE_CHARACTERS = 8_192;

interface EncodedError {
  n: string;
  m: string;
  c?: string | number;
  cause?: EncodedError;
}

/** The work failed in another process. `message`, `code` and the `cause` chain are the remote error's. */
export class RemoteWorkError extends SkeinClusterError {
  override readonly name = "RemoteWorkError";
  readonly skeinCode = "ERR_SKEIN_REMOTE_WORK";
  /** The remote error's `name`. */
  readonly remoteName: string;

  constructor(remoteName: string, message: string, code: string | number | undefined, options?: ErrorOptions) {
    // The remote's code, whatever its type: callers compare it as they would in process.
    super(code as string, message, options);
    this.remoteName = remoteName;
  }
}

export function encodeError(error: unknown): string {
  return JSON.stringify(describeError(error, 0));
}

/** @throws when the text is not an encoded error. */
export function decodeError(text: string): RemoteWorkError {
  return revive(JSON.parse(text), 0);
}

function describeError(error: unknown, depth: number): EncodedError {
  try {
    if (typeof error !== "object" || error === null) return { n: typeof error, m: clip(String(error)) };
    const name: unknown = Reflect.get(error, "name");
    const message: unknown = Reflect.get(error, "message");
    const code: unknown = Reflect.get(error, "code");
    const cause: unknown = Reflect.get(error, "cause");
    const encoded: EncodedError = {
      n: typeof name === "string" ? clip(name) : "Error",
      m: typeof message === "string" ? clip(message) : "the work threw something that is not an Error",
    };
    if (typeof code === "string" || typeof code === "number") encoded.c = code;
    if (cause !== undefined && depth < MAX_DEPTH) encoded.cause = describeError(cause, depth + 1);
    return encoded;
  } catch {
    return { n: "Error", m: "the work threw something that cannot be read" };
  }
}

function revive(encoded: unknown, depth: number): RemoteWorkError {
  const { n, m, c, cause } = Object(encoded) as Partial<EncodedError>;
  if (typeof n !== "string" || typeof m !== "string") throw new TypeError("not an encoded error");
  const code = typeof c === "string" || typeof c === "number" ? c : undefined;
  const options = cause === undefined || depth >= MAX_DEPTH ? undefined : { cause: revive(cause, depth + 1) };
  return new RemoteWorkError(n, m, code, options);
}

function clip(text: string): string {
  return text.length > MAX_MESSAGE_CHARACTERS ? text.slice(0, MAX_MESSAGE_CHARACTERS) : text;
}
