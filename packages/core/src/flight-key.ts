/**
 * Deterministic keys from structured parameters: equal parameters give equal keys whatever the order of their
 * properties, different ones give different keys (the encoding can be read back, so it cannot collide).
 */
import { InvalidArgumentError } from "./errors.ts";

/** Stands between prefix and parameters; inside the encoded parameters it never occurs, so the last one is the border. */
const SEPARATOR = "?";
/** Deeper than any real parameter, shallow enough to fail before the stack does. */
const MAX_DEPTH = 100;

/**
 * Builds `prefix + "?" + parameters`. Parameters may be null, undefined, booleans, numbers, bigints, strings, dates,
 * bytes, and arrays, maps, sets and plain objects of these.
 *
 * @throws InvalidArgumentError for what has no identity to compare by: functions, symbols, class instances, cycles.
 */
export function flightKey(prefix: string, params?: unknown): string {
  if (typeof prefix !== "string") throw new InvalidArgumentError("prefix", prefix, "must be a string");
  return prefix + SEPARATOR + encode(params, "params", 0);
}

function encode(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH) {
    throw new InvalidArgumentError(path, value, `must not be cyclic or nested deeper than ${MAX_DEPTH}`);
  }
  switch (typeof value) {
    case "undefined":
    case "boolean":
      return String(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "string":
      return quote(value);
    case "object":
      return value === null ? "null" : encodeObject(value, path, depth + 1);
    case "symbol":
    case "function":
      throw new InvalidArgumentError(path, value, "cannot be part of a key");
  }
}

function encodeObject(value: object, path: string, depth: number): string {
  if (Array.isArray(value)) return encodeArray(value, path, depth);
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return `Bytes(${Buffer.from(value).toString("hex")})`;
  if (value instanceof Map) {
    const pairs = Array.from(
      value as Map<unknown, unknown>,
      ([key, item]) => `${encode(key, `${path} key`, depth)}=>${encode(item, `${path} value`, depth)}`,
    );
    return `Map(${pairs.toSorted().join(",")})`;
  }
  if (value instanceof Set) {
    const items = Array.from(value as Set<unknown>, (item) => encode(item, `${path} item`, depth));
    return `Set(${items.toSorted().join(",")})`;
  }
  return encodePlain(value, path, depth);
}

function encodeArray(value: readonly unknown[], path: string, depth: number): string {
  const items: string[] = [];
  for (let index = 0; index < value.length; index++) {
    items.push(index in value ? encode(value[index], `${path}[${index}]`, depth) : "");
  }
  // A hole is written as nothing, so a closing comma tells [<hole>] from [].
  return `[${items.map((item) => `${item},`).join("")}]`;
}

function encodePlain(value: object, path: string, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new InvalidArgumentError(
      path,
      value,
      "must be plain data: class instances have no identity to compare by",
    );
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new InvalidArgumentError(path, value, "must not have symbol properties");
  }
  const fields = Object.entries(value)
    .map(([name, item]) => [quote(name), item] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, item]) => `${name}:${encode(item, `${path}[${name}]`, depth)}`).join(",")}}`;
}

function quote(text: string): string {
  return JSON.stringify(text).replaceAll(SEPARATOR, "\\u003f");
}
