/**
 * An outcome on its way: a line of ASCII, then the payload.
 *
 *     skein/1 <kind> <codec> <nonce> <takeovers> [<traceparent>] <checksum> <signature>\n<payload>
 *
 * The nonce tells the outcomes of other flights apart, the CRC-32 of everything else damage. `undefined` and `null`
 * have kinds of their own and no payload; errors are JSON whatever the codec. Other versions are refused, not guessed.
 * Not promised, without secrets: anything about intent. Who can write to Redis can forge an outcome then. The last field
 * is the signature, or "-"; whoever has secrets believes none without. The span of the execution is there when the leader
 * is traced; whoever does not know that field has an envelope with a field too many, and so a miss.
 */
import { types } from "node:util";
import { crc32 } from "node:zlib";
import { isTraceparent } from "@skein/core/internal";
import type { Codec } from "./codec.ts";
import type { Outcome, UnshareableWhy } from "./outcome.ts";
import { decodeError, encodeError } from "./remote-work-error.ts";
import { looksSigned, SIGNATURE_BYTES, type SignatureFault, type Signatures } from "./signatures.ts";

const VERSION = "1";
const UNSIGNED = "-";
const LINE_FEED = 0x0a;
/** The codec's name and the nonce are bounded; a longer first line is nobody's. */
const MAX_HEADER_BYTES = 256;
const NOTHING: Buffer = Buffer.alloc(0);

type Kind = "value" | "undefined" | "null" | "error" | "unshareable";

export type EnvelopeFault =
  /** Not an envelope, or damaged. */
  | "malformed"
  /** Written by another version of this format. */
  | "version"
  /** The outcome of another flight. */
  | "identity"
  /** Encoded by another codec. */
  | "codec"
  /** The codec cannot read it. */
  | "undecodable"
  /** It has to be signed, and is not, or not for this flight, or its time is over. */
  | SignatureFault;

export type OpenedOutcome =
  | {
      readonly ok: true;
      readonly outcome: Outcome;
      readonly takeovers: number;
      readonly traceparent?: string | undefined;
    }
  | { readonly ok: false; readonly why: EnvelopeFault };

/** Whose outcome it is, for those who sign. */
export interface SignedFlight {
  readonly signatures: Signatures;
  readonly flightId: string;
  readonly token: string;
  /** Server time in ms; `undefined` while none has been heard of. */
  readonly nowMs: number | undefined;
}

export interface SealOptions {
  readonly codec: Codec;
  /** The nonce of the leader's token. */
  readonly nonce: string;
  readonly takeovers: number;
  /** The span of the execution; checked by whoever asked for it. */
  readonly traceparent?: string | undefined;
  /** Of the payload: the envelope may be longer by its header. */
  readonly maxOutcomeBytes: number;
  /** It will be signed before it is sent. */
  readonly signed?: boolean;
}

export interface OpenOptions {
  readonly codec: Codec;
  /** The nonce of the token that the outcome came with. */
  readonly nonce: string;
  readonly signed?: SignedFlight | undefined;
}

export interface SealedOutcome {
  /** Not signed: see `signEnvelope`. */
  readonly bytes: Buffer;
  /** Bytes that are sent in the end. */
  readonly size: number;
  /** Why the envelope tells the others to run the work themselves; false when it carries the outcome. */
  readonly unshareable: false | UnshareableWhy;
}

/** Never throws: what cannot be encoded, or is too large, becomes an envelope that says so. */
export function sealOutcome(outcome: Outcome, options: SealOptions): SealedOutcome {
  if (outcome.kind === "unshareable") return sealUnshareable(outcome.why, options);
  try {
    const [kind, payload] = encode(outcome, options.codec);
    // A string has at least as many bytes as characters: the hopeless ones are not even copied.
    if (payload.length > options.maxOutcomeBytes) return sealUnshareable("oversize", options);
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    if (bytes.length > options.maxOutcomeBytes) return sealUnshareable("oversize", options);
    return sealed(assemble(kind, bytes, options), false, options);
  } catch {
    return sealUnshareable("not-encodable", options);
  }
}

/**
 * The same envelope, signed as of now. An outcome is sealed once and signed at each attempt to send it: a process that has
 * not heard of the server's time yet has nothing to sign with, and time passes between attempts.
 * @throws while the server's time is unknown. Nothing could be sent to it either.
 */
export function signEnvelope(envelope: Buffer, signed: SignedFlight, keptMs: number): Buffer {
  const { signatures, nowMs } = signed;
  if (nowMs === undefined) throw new Error("the time of the server is not known yet");
  const end = envelope.indexOf(LINE_FEED);
  const fields = envelope.toString("latin1", 0, end).split(" ");
  const header = fields.slice(0, -2).join(" ");
  const payload = envelope.subarray(end + 1);
  const signature = signatures.sign({ ...signed, header, payload }, nowMs, keptMs);
  return Buffer.concat([Buffer.from(`${fields.slice(0, -1).join(" ")} ${signature}\n`, "latin1"), payload]);
}

/** Never throws, whatever the bytes. Values are fresh copies; errors are RemoteWorkErrors. */
export function openOutcome(bytes: Uint8Array, options: OpenOptions): OpenedOutcome {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_HEADER_BYTES));
  const version = /^skein\/(\d{1,9}) /.exec(start.toString("latin1"))?.[1];
  if (version === undefined) return { ok: false, why: "malformed" };
  if (version !== VERSION) return { ok: false, why: "version" };
  const end = start.indexOf(LINE_FEED);
  const fields = start.toString("latin1", 0, Math.max(end, 0)).split(" ");
  const [signature, checksum] = [fields.pop(), fields.pop()];
  const [, kind, codec, nonce, takeovers, ...more] = fields;
  const [traceparent] = more;
  if (more.length > 1 || !isSignature(signature)) return { ok: false, why: "malformed" };
  if (nonce === "" || nonce !== options.nonce) return { ok: false, why: "identity" };
  const payload = bytes.subarray(end + 1);
  const header = fields.join(" ");
  const forgery = faultOf(signature, header, payload, options.signed);
  if (forgery !== undefined) return { ok: false, why: forgery };
  if (checksum !== checksumOf(header, payload) || takeovers === undefined || !/^\d{1,6}$/.test(takeovers)) {
    return { ok: false, why: "malformed" };
  }
  if (traceparent !== undefined && !isTraceparent(traceparent)) return { ok: false, why: "malformed" };
  if (kind === "value" && codec !== options.codec.name) return { ok: false, why: "codec" };
  const outcome = decode(kind, payload, options.codec);
  if (outcome === undefined) return { ok: false, why: "undecodable" };
  const opened = { ok: true, outcome, takeovers: Number(takeovers) } as const;
  return traceparent === undefined ? opened : { ...opened, traceparent };
}

function sealUnshareable(why: UnshareableWhy, options: SealOptions): SealedOutcome {
  return sealed(assemble("unshareable", Buffer.from(why), options), why, options);
}

function sealed(
  bytes: Buffer,
  unshareable: SealedOutcome["unshareable"],
  { signed = false }: SealOptions,
): SealedOutcome {
  return { bytes, size: bytes.length + (signed ? SIGNATURE_BYTES - UNSIGNED.length : 0), unshareable };
}

function encode(
  outcome: Extract<Outcome, { kind: "value" | "error" }>,
  codec: Codec,
): [kind: Kind, payload: string | Uint8Array] {
  if (outcome.kind === "error") return ["error", encodeError(outcome.error)];
  if (outcome.value === undefined) return ["undefined", NOTHING];
  if (outcome.value === null) return ["null", NOTHING];
  const encoded: unknown = codec.encode(outcome.value);
  if (typeof encoded === "string" || types.isUint8Array(encoded)) return ["value", encoded];
  throw new TypeError("a codec must encode to a string or to bytes");
}

function decode(kind: string | undefined, payload: Uint8Array, codec: Codec): Outcome | undefined {
  try {
    switch (kind) {
      case "value":
        return { kind: "value", value: codec.decode(payload) };
      case "undefined":
        return payload.length === 0 ? { kind: "value", value: undefined } : undefined;
      case "null":
        return payload.length === 0 ? { kind: "value", value: null } : undefined;
      case "error":
        return { kind: "error", error: decodeError(textOf(payload)) };
      case "unshareable": {
        const why = textOf(payload);
        return isWhy(why) ? { kind: "unshareable", why } : undefined;
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function assemble(kind: Kind, payload: Uint8Array, options: SealOptions): Buffer {
  const { codec, nonce, takeovers, traceparent } = options;
  const span = traceparent === undefined ? "" : ` ${traceparent}`;
  const header = `skein/${VERSION} ${kind} ${codec.name} ${nonce} ${takeovers}${span}`;
  return Buffer.concat([
    Buffer.from(`${header} ${checksumOf(header, payload)} ${UNSIGNED}\n`, "latin1"),
    payload,
  ]);
}

/** Signed or not: a process without secrets has nothing to check a signature with, and believes both. */
function isSignature(field: string | undefined): field is string {
  return field !== undefined && (field === UNSIGNED || looksSigned(field));
}

function faultOf(
  signature: string,
  header: string,
  payload: Uint8Array,
  signed: SignedFlight | undefined,
): SignatureFault | undefined {
  return signed?.signatures.faultOf(signature, { ...signed, header, payload }, signed.nowMs);
}

/** Of header and payload: a flipped bit in either makes a miss, not another outcome. */
function checksumOf(header: string, payload: Uint8Array): string {
  return crc32(payload, crc32(Buffer.from(header, "latin1"))).toString(36);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function isWhy(text: string): text is UnshareableWhy {
  return text === "oversize" || text === "not-encodable";
}
