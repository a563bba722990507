/**
 * The one error of this package. It has the code and the shape of core's error of that name without being it: nothing of
 * core is loaded here, only its types are used.
 */

/** A constructor option is unknown or out of its range. Thrown synchronously, naming option, value and rule. */
export class InvalidOptionError extends Error {
  override readonly name = "InvalidOptionError";
  readonly code = "ERR_SKEIN_INVALID_OPTION";
  readonly option: string;

  constructor(option: string, value: unknown, rule: string) {
    super(`option ${option} is ${describe(value)}: ${rule}`);
    this.option = option;
  }
}

/** Short, one line, never the contents of an object. */
function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
