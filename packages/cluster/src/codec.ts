/**
 * How values become bytes and come back. JSON is the default because every reader has it; it turns dates into strings,
 * maps into {}, NaN into null, and drops nested undefined. What it cannot carry at all is refused rather than mangled.
 */
import { createRequire } from "node:module";
import { InvalidOptionError } from "@skein/core";

export interface Codec {
  /** Written into each outcome, so that processes with different codecs do not misread each other. */
  readonly name: string;
  encode(value: unknown): Uint8Array | string;
  decode(bytes: Uint8Array): unknown;
}

export type CodecOption =
  | "json"
  | "msgpack"
  | {
      /** Lower-case letters, digits and dashes; default "custom". */
      name?: string;
      encode: (value: unknown) => Uint8Array | string;
      decode: (bytes: Uint8Array) => unknown;
    };

export const jsonCodec: Codec = {
  name: "json",
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError("JSON has no form for this value");
    return text;
  },
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString("utf8")),
};

/** @throws InvalidOptionError when the optional package msgpackr is not installed. */
export function msgpackCodec(): Codec {
  const require = createRequire(import.meta.url);
  try {
    const { Packr } = require("msgpackr") as typeof import("msgpackr");
    const packr = new Packr({ useRecords: false, moreTypes: true });
    return { name: "msgpack", encode: (value) => packr.pack(value), decode: (bytes) => packr.unpack(Buffer.from(bytes)) };
  } catch (cause) {
    throw new InvalidOptionError("codec", "msgpack", "needs the package msgpackr to be installed", { cause });
  }
}

export function resolveCodec(option: CodecOption): Codec {
  if (option === "json") return jsonCodec;
  if (option === "msgpack") return msgpackCodec();
  const { name = "custom", encode, decode } = option;
  if (!/^[a-z0-9-]{1,32}$/.test(name)) {
    throw new InvalidOptionError("codec.name", name, "must be 1 to 32 lower-case letters, digits and dashes");
  }
  return { name, encode: (value) => encode(value), decode: (bytes) => decode(bytes) };
}
