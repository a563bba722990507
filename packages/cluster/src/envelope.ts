/**
 * An outcome on its way: one line of header, then the payload. The header names version, kind, codec and the flight it
 * belongs to (by its nonce), and has a checksum, so that garbage, other versions and other flights are told apart.
 * Not promised: protection against forgery. The last field is reserved for a signature.
 */
import { crc32 } from "node:zlib";
import type { Codec } from "./codec.ts";
import type { Outcome, UnshareableWhy } from "./outcome.ts";
import { decodeError, encodeError } from "./remote-work-error.ts";

const MAGIC = "skein/1";
const LINE_FEED = 0x0a;
const MAX_HEADER_BYTES = 256;

export type EnvelopeFault = "malformed" | "version" | "identity" | "codec" | "undecodable" | "schema";

export type OpenedOutcome =
  | { readonly ok: true; readonly outcome: Outcome; readonly takeovers: number }
  | { readonly ok: false; readonly why: EnvelopeFault };

export interface SealOptions {
  readonly codec: Codec;
  readonly nonce: string;
  readonly takeovers: number;
  readonly maxOutcomeBytes: number;
}

/** Never throws: what cannot be encoded, or is too large, becomes an envelope that says so. */
export function sealOutcome(outcome: Outcome, options: SealOptions): { bytes: Buffer; unshareable: false | UnshareableWhy } {
  let why: UnshareableWhy = "not-encodable";
  try {
    const [kind, payload] = encode(outcome, options.codec);
    if (outcome.kind === "unshareable") why = outcome.why;
    else if (payload.length > options.maxOutcomeBytes) why = "oversize";
    else return { bytes: assemble(kind, payload, options), unshareable: false };
  } catch {
    // A value that its codec refuses cannot be shared; its own process has it.
  }
  return { bytes: assemble("unshareable", Buffer.from(why), options), unshareable: why };
}

/** Never throws, whatever the bytes. */
export function openOutcome(bytes: Uint8Array, options: { codec: Codec; nonce: string }): OpenedOutcome {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0 || end > MAX_HEADER_BYTES) return { ok: false, why: "malformed" };
  const fields = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("latin1").split(" ");
  const [magic, kind, codec, nonce, takeovers, checksum] = fields;
  if (magic?.startsWith("skein/") !== true) return { ok: false, why: "malformed" };
  if (magic !== MAGIC) return { ok: false, why: "version" };
  if (fields.length !== 7) return { ok: false, why: "malformed" };
  if (nonce !== options.nonce || nonce === "") return { ok: false, why: "identity" };
  const payload = bytes.subarray(end + 1);
  if (checksum !== crc32(payload).toString(36) || !/^\d{1,6}$/.test(takeovers ?? "")) return { ok: false, why: "malformed" };
  if (kind === "value" && codec !== options.codec.name) return { ok: false, why: "codec" };
  const outcome = decode(kind, payload, options.codec);
  return outcome === undefined ? { ok: false, why: "undecodable" } : { ok: true, outcome, takeovers: Number(takeovers) };
}

function encode(outcome: Outcome, codec: Codec): [kind: string, payload: Buffer] {
  if (outcome.kind === "unshareable") return ["unshareable", Buffer.from(outcome.why)];
  if (outcome.kind === "error") return ["error", Buffer.from(encodeError(outcome.error))];
  if (outcome.value === undefined) return ["undefined", Buffer.alloc(0)];
  if (outcome.value === null) return ["null", Buffer.alloc(0)];
  const encoded: unknown = codec.encode(outcome.value);
  if (typeof encoded === "string") return ["value", Buffer.from(encoded)];
  if (encoded instanceof Uint8Array) {
    return ["value", Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)];
  }
  throw new TypeError("a codec must return a string or bytes");
}

function decode(kind: string | undefined, payload: Uint8Array, codec: Codec): Outcome | undefined {
  try {
    switch (kind) {
      case "value": {
        const value = codec.decode(payload);
        return value instanceof Promise ? undefined : { kind: "value", value };
      }
      case "undefined":
        return { kind: "value", value: undefined };
      case "null":
        return { kind: "value", value: null };
      case "error":
        return { kind: "error", error: decodeError(Buffer.from(payload).toString("utf8")) };
      case "unshareable": {
        const why = Buffer.from(payload).toString("latin1");
        return isWhy(why) ? { kind: "unshareable", why } : undefined;
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function assemble(kind: string, payload: Buffer, { codec, nonce, takeovers }: SealOptions): Buffer {
  const checksum = crc32(payload).toString(36);
  return Buffer.concat([Buffer.from(`${MAGIC} ${kind} ${codec.name} ${nonce} ${takeovers} ${checksum} -\n`, "latin1"), payload]);
}

function isWhy(text: string): text is UnshareableWhy {
  return text === "oversize" || text === "not-encodable" || text === "withheld";
}
