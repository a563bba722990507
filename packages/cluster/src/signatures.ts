/**
 * Signs outcomes, and checks the signatures of others, with secrets that the whole deployment shares. A signature binds
 * an outcome to its key, its flight and a moment of server time after which it counts for nothing. It is checked before
 * anything is parsed. Not promised: secrecy (outcomes are not encrypted), or protection from being kept waiting: whoever
 * can write to Redis can still drop leases and outcomes, which costs duplicate work. Within its time an outcome can be
 * put back by whoever copied it.
 *
 * The field, in the envelope's first line: `<secret's id>.<expiry, ms of server time, base 36>.<HMAC-SHA-256>`.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export type Secret = string | Uint8Array;

export interface Signed {
  /** `<namespace>:<key>`, as encoded in the names of its Redis keys. */
  readonly flightId: string;
  readonly token: string;
  /** The envelope's first line up to the checksum. */
  readonly header: string;
  readonly payload: Uint8Array;
}

export type SignatureFault =
  /** None, or not one that any of our secrets makes of this. */
  "signature" | "expired";

/** Put before everything that is signed, so that a signature for one purpose is never one for another. */
const PURPOSE = "skein/1 outcome";
const ID_PURPOSE = "skein/1 id of a secret";
const ID_LENGTH = 8;
/** Room for an estimate of server time that is off, and for a settle that has to be repeated. */
const SLACK_MS = 30_000;
/** Of the field: until 2059 a time in ms has eight digits of base 36. */
export const SIGNATURE_BYTES: number = ID_LENGTH + 1 + 8 + 1 + 43;
const FIELD = /^([\w-]{8})\.([0-9a-z]{1,12})\.([\w-]{43})$/;

/** Whether the field has the form of a signature, whoever made it. */
export function looksSigned(field: string): boolean {
  return FIELD.test(field);
}

export class Signatures {
  readonly #current: readonly [id: string, secret: Secret];
  readonly #secrets: ReadonlyMap<string, Secret>;

  /** The first secret signs; all of them check. */
  constructor(secrets: readonly [Secret, ...Secret[]]) {
    const [first] = secrets;
    this.#current = [idOf(first), first];
    this.#secrets = new Map(secrets.map((secret) => [idOf(secret), secret]));
  }

  /** `keptMs`: how long the outcome may be asked for, from `nowMs` of server time. */
  sign(signed: Signed, nowMs: number, keptMs: number): string {
    const [id, secret] = this.#current;
    const expiry = Math.ceil(nowMs + keptMs + SLACK_MS).toString(36);
    return `${id}.${expiry}.${mac(secret, signed, expiry).toString("base64url")}`;
  }

  /** `nowMs`: server time; `undefined`, which nobody knows, is past every moment. */
  faultOf(field: string, signed: Signed, nowMs: number | undefined): SignatureFault | undefined {
    const [, id, expiry, digest] = FIELD.exec(field) ?? [];
    const secret = this.#secrets.get(id ?? "");
    if (secret === undefined || expiry === undefined || digest === undefined) return "signature";
    const expected = mac(secret, signed, expiry);
    if (!timingSafeEqual(expected, Buffer.from(digest, "base64url"))) return "signature";
    return nowMs !== undefined && nowMs <= Number.parseInt(expiry, 36) ? undefined : "expired";
  }
}

/** Tells secrets apart without telling what they are. */
function idOf(secret: Secret): string {
  return createHmac("sha256", secret).update(ID_PURPOSE).digest("base64url").slice(0, ID_LENGTH);
}

/** No part before the payload contains a line feed, so no two different things are signed as the same bytes. */
function mac(secret: Secret, { flightId, token, header, payload }: Signed, expiry: string): Buffer {
  return createHmac("sha256", secret)
    .update([PURPOSE, flightId, token, header, expiry, ""].join("\n"))
    .update(payload)
    .digest();
}
