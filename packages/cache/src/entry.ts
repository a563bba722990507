/**
 * An entry in a store of the application's: a line of ASCII, then what the codec made of the value.
 *
 *     skein-cached/1 <kind> <id> <graceMs> <workMs> <checksum>[ <signature>]\n<payload>
 *
 * It is fresh until `graceMs` before the store drops it. Signed, with the secrets of the flights, it is checked before
 * anything is parsed. Not promised, without: anything about intent; the checksum finds damage.
 */
import { crc32 } from "node:zlib";
import { CachedWorkError } from "./errors.ts";
import type { CacheCodec } from "./options.ts";

const LINE_FEED = 0x0a;
const MAX_HEAD_BYTES = 256;
const HEAD =
  /^(skein-cached\/1 (value|undefined|null|error) ([0-9a-z]+) (\d{1,15}) (\d{1,15})) ([0-9a-z]+)(?: ([\w.-]+))?$/;

export type KeptOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown };

export interface Entry {
  readonly id: string;
  /** How much longer it is kept than it is fresh. */
  readonly graceMs: number;
  /** How long the work took that made it. */
  readonly workMs: number;
  readonly outcome: KeptOutcome;
}

/** Signs the head up to the checksum, and the payload. */
export type Sign = (header: string, payload: Uint8Array) => string;

/** @throws what the codec throws for a value that it cannot carry. */
export function encodeEntry(entry: Entry, codec: CacheCodec, sign?: Sign): Uint8Array {
  const [kind, payload] = encodeOutcome(entry.outcome, codec);
  const header = `skein-cached/1 ${kind} ${entry.id} ${entry.graceMs} ${Math.round(entry.workMs)}`;
  const signature = sign === undefined ? "" : ` ${sign(header, payload)}`;
  return Buffer.concat([Buffer.from(`${header} ${checksumOf(header, payload)}${signature}\n`), payload]);
}

/** Why bytes are no entry, or none to be believed. */
export type EntryFault = "malformed" | "undecodable" | "signature" | "expired";

/** What is wrong with a signature, "" if there is none. */
export type CheckSignature = (
  signature: string,
  header: string,
  payload: Uint8Array,
) => EntryFault | undefined;

/** Never throws. Without `check` a signature is not looked at: there is nothing to look with. */
export function decodeEntry(
  bytes: Uint8Array,
  codec: CacheCodec,
  check?: CheckSignature,
): Entry | EntryFault {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_HEAD_BYTES));
  const end = start.indexOf(LINE_FEED);
  const match = HEAD.exec(start.toString("latin1", 0, Math.max(end, 0)));
  const [, header = "", kind, id = "", graceMs, workMs, checksum, signature = ""] = match ?? [];
  const payload = bytes.subarray(end + 1);
  if (kind === undefined) return "malformed";
  const forgery = check?.(signature, header, payload);
  if (forgery !== undefined) return forgery;
  if (checksum !== checksumOf(header, payload)) return "malformed";
  try {
    const outcome = decodeOutcome(kind, payload, codec);
    return { id, graceMs: Number(graceMs), workMs: Number(workMs), outcome };
  } catch {
    return "undecodable";
  }
}

function encodeOutcome(outcome: KeptOutcome, codec: CacheCodec): [kind: string, payload: Uint8Array] {
  if (outcome.kind === "error") return ["error", Buffer.from(JSON.stringify(factsOf(outcome.error)))];
  if (outcome.value === undefined) return ["undefined", Buffer.alloc(0)];
  if (outcome.value === null) return ["null", Buffer.alloc(0)];
  const encoded = codec.encode(outcome.value);
  return ["value", typeof encoded === "string" ? Buffer.from(encoded) : encoded];
}

function decodeOutcome(kind: string, payload: Uint8Array, codec: CacheCodec): KeptOutcome {
  if (kind === "undefined") return { kind: "value", value: undefined };
  if (kind === "null") return { kind: "value", value: null };
  if (kind === "value") return { kind: "value", value: codec.decode(payload) };
  const facts: unknown = JSON.parse(Buffer.from(payload).toString());
  const field = (name: string): string | undefined => {
    const value: unknown = Reflect.get(Object(facts), name);
    return typeof value === "string" ? value : undefined;
  };
  const error = new CachedWorkError(field("name") ?? "Error", field("message") ?? "", field("code"));
  return { kind: "error", error };
}

function factsOf(error: unknown): { name: string; message: string; code?: string } {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const code: unknown = Reflect.get(error, "code");
  const { name, message } = error;
  return typeof code === "string" ? { name, message, code } : { name, message };
}

function checksumOf(header: string, payload: Uint8Array): string {
  return crc32(payload, crc32(header)).toString(36);
}
