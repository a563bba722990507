/**
 * A cache entry: a line of ASCII, then the outcome envelope that its flight published.
 *
 *     skein-entry/1 <server time in us> <id> <graceMs> <ttlMs> <workMs> <checksum>\n<envelope>
 *
 * The id is the token of the flight that wrote it; one that was set by hand has an id with the grant 0. The entry is
 * fresh for `ttlMs`, and kept for `graceMs` longer. Time and first word are written by the script, the rest, which the
 * checksum covers, by the process. Not promised: that the envelope behind it can be read; it has a checksum of its own.
 */
import { crc32 } from "node:zlib";

const LINE_FEED = 0x0a;
const MAX_HEAD_BYTES = 256;
const HEAD = /^skein-entry\/1 (\d{1,16}) ((\S+) (\d{1,15}) (\d{1,15}) (\d{1,15})) ([0-9a-z]+)$/;

export interface EntryFacts {
  readonly id: string;
  /** How much longer it is kept than it is fresh. */
  readonly graceMs: number;
  readonly ttlMs: number;
  /** How long the work took that made it. */
  readonly workMs: number;
}

export interface ParsedEntry extends EntryFacts {
  readonly writtenAtUs: number;
  readonly envelope: Uint8Array;
}

/** What the process says of an entry; the script puts its own words before it. */
export function entryHead({ id, graceMs, ttlMs, workMs }: EntryFacts): string {
  const facts = `${id} ${graceMs} ${ttlMs} ${Math.round(workMs)}`;
  return `${facts} ${checksumOf(facts)}`;
}

/** `undefined` for whatever is no entry of this version. Never throws. */
export function parseEntry(bytes: Uint8Array): ParsedEntry | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_HEAD_BYTES));
  const end = start.indexOf(LINE_FEED);
  const match = HEAD.exec(start.toString("latin1", 0, Math.max(end, 0)));
  const [, writtenAtUs, facts, id, graceMs, ttlMs, workMs, checksum] = match ?? [];
  if (facts === undefined || id === undefined || checksum !== checksumOf(facts)) return undefined;
  return {
    id,
    graceMs: Number(graceMs),
    ttlMs: Number(ttlMs),
    workMs: Number(workMs),
    writtenAtUs: Number(writtenAtUs),
    envelope: bytes.subarray(end + 1),
  };
}

function checksumOf(text: string): string {
  return crc32(text).toString(36);
}
