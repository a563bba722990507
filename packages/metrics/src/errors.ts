/**
 * What the observers throw when they are constructed wrongly. It looks like core's error of that name (same `name`,
 * `code` and message), but is a class of its own: of core this package knows types only.
 */

/** A constructor option is out of its range. Thrown synchronously, naming option, value and rule. */
export class InvalidOptionError extends Error {
  override readonly name = "InvalidOptionError";
  /** Branch on it, as for every error of Skein; `docs/ERRORS.md` says what to do. */
  readonly code = "ERR_SKEIN_INVALID_OPTION";
  readonly option: string;

  constructor(option: string, value: unknown, rule: string) {
    super(`option ${option} is ${describe(value)}: ${rule}`);
    this.option = option;
  }
}

/** A value that may be a secret, as an error may show it: nobody knows what an unknown option was meant to hold. */
export function withoutText(value: unknown): unknown {
  return typeof value === "string" || typeof value === "symbol" ? "(not shown)" : value;
}

/** A value as an error message shows it: short, one line, never the contents of an object or the password of a URL. */
function describe(value: unknown): string {
  if (typeof value === "string" && /:\/\/[^/]*@/.test(value)) return "a URL with credentials";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
