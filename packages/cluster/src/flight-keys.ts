/**
 * Every name that Skein uses in Redis, built here and nowhere else. `docs/REDIS-KEYS.md` tables them with type and TTL.
 * The version is part of each name, so builds that would misread each other never meet. Not promised: that a name can
 * be turned back into the user's key; long keys are hashed.
 */
import { createHash } from "node:crypto";
import { InvalidKeyError } from "./errors.ts";

/** Bumped when the meaning of a key, a message or a script changes. */
export const PROTOCOL_VERSION = 1;

const PREFIX = `skein${PROTOCOL_VERSION}`;
/** An encoded key longer than this is replaced by its hash, to keep key names and messages small. */
const MAX_LITERAL_CHARACTERS = 200;
/** Marks a hashed key; the encoding of a literal key never contains it. */
const HASH_MARK = "#";

/** The names of one flight. They share a hash tag, so they share a Redis Cluster slot. */
export interface FlightName {
  /** Encoded namespace and key: identifies the flight in messages. Contains neither blanks nor braces. */
  readonly id: string;
  /** STRING: the election; its value is the leader's token. */
  readonly leaseKey: string;
  /** HASH: token, grant, followers, takeovers, beat and retained outcome. */
  readonly flightKey: string;
  /** STRING: the cache entry of the key, in the same slot; only where a cache uses the flight. */
  readonly entryKey: string;
  /** STRING: who is being elected by a quorum, while it is; on each of the servers. */
  readonly lockKey: string;
}

export interface FlightKeys {
  /** @throws InvalidKeyError for an empty key and for one over `maxKeyBytes`. */
  flight(key: string): FlightName;
  /**
   * STRING: the cache entry of the key, in a Redis that keeps no flights.
   * @throws InvalidKeyError
   */
  storedKey(key: string): string;
  /** Where the wake-ups of a process arrive: this prefix, followed by the process id. */
  readonly inboxPrefix: string;
}

export function flightKeys(options: {
  namespace: string;
  maxKeyBytes: number;
  hashKeys: boolean;
}): FlightKeys {
  // A colon ends it, so it may have none: "a" with key "b:c" is not "a:b" with key "c".
  const namespace = encodeKey(options.namespace).replaceAll(":", "%3A");
  const flight = (key: string): FlightName => {
    const bytes = Buffer.byteLength(key);
    if (bytes === 0 || bytes > options.maxKeyBytes) throw new InvalidKeyError(bytes, options.maxKeyBytes);
    const literal = encodeKey(key);
    const long = options.hashKeys || literal.length > MAX_LITERAL_CHARACTERS;
    const id = `${namespace}:${long ? HASH_MARK + digest(literal) : literal}`;
    const tagged = `${PREFIX}:{${id}}:`;
    return {
      id,
      leaseKey: `${tagged}lease`,
      flightKey: `${tagged}flight`,
      entryKey: `${tagged}entry`,
      lockKey: `${tagged}lock`,
    };
  };
  return {
    flight,
    storedKey: (key) => `${PREFIX}:{${flight(key).id}}:stored`,
    inboxPrefix: `${PREFIX}:${namespace}:inbox:`,
  };
}

/** Looked for first, since most keys have none, and a look is cheaper than a replacement that finds nothing. */
const UNSAFE = /[^A-Za-z0-9\-._~:/@,=+]/;

/**
 * Percent-encodes everything but letters, digits and `-._~:/@,=+`, injectively. A lone surrogate, which UTF-8 cannot
 * hold, becomes `%u` and four digits, which no encoded byte can look like.
 */
export function encodeKey(key: string): string {
  if (!UNSAFE.test(key)) return key;
  return key.replace(/[^A-Za-z0-9\-._~:/@,=+]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
    return Array.from(
      Buffer.from(character),
      (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join("");
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
