/**
 * How values become bytes and come back, in every process that gets them as a fresh copy. Encoding is strict where a
 * loss would be silent and total: such an outcome stays in its process and the others run the work themselves.
 * Not promised: that a value comes back as it was. Each codec below says what it changes.
 */
import { createRequire } from "node:module";
import { types } from "node:util";
import { InvalidOptionError } from "@skein/core";
import { background } from "@skein/core/internal";
import type * as Msgpackr from "msgpackr";

export interface Codec {
  /** Written into each outcome, so that processes with different codecs do not misread each other. */
  readonly name: string;
  /** @throws for a value that it cannot carry. */
  encode(value: unknown): Uint8Array | string;
  /** @throws for bytes that it did not write. */
  decode(bytes: Uint8Array): unknown;
}

export type CodecOption =
  | "json"
  | "msgpack"
  | {
      /** 1 to 32 lower-case letters, digits and dashes; default "custom". Change it when the bytes change meaning. */
      name?: string;
      /** Synchronous. Never gets `undefined` or `null`, which travel without it. Throws for what it cannot carry. */
      encode: (value: unknown) => Uint8Array | string;
      /** Synchronous. Gets bytes of its own, to keep or change. */
      decode: (bytes: Uint8Array) => unknown;
    };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * JSON. Inside a value it turns dates into strings, maps, sets and errors into {}, typed arrays into objects, NaN and
 * infinities into null, class instances into plain objects, and drops functions, symbols and undefined properties.
 * It refuses BigInt and cycles, and a value that it would lose as a whole: a function, a symbol, NaN, a Map, a Set.
 */
export const jsonCodec: Codec = {
  name: "json",
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (
      text === undefined ||
      (text === "null" && value !== null) ||
      (text === "{}" && isLostAsEmpty(value))
    ) {
      throw new TypeError("JSON has no form for this value");
    }
    return text;
  },
  decode: (bytes): unknown => JSON.parse(utf8.decode(bytes)),
};

/**
 * MessagePack, with the optional package msgpackr. Besides what JSON carries: dates, maps, sets, typed arrays, buffers,
 * BigInt, NaN, undefined, errors with their built-in class. Class instances become plain objects and functions inside
 * a value undefined. It refuses symbols, cycles, and a function as a whole.
 * @throws InvalidOptionError when msgpackr is not installed.
 */
export function msgpackCodec(): Codec {
  const { Packr } = loadMsgpackr();
  // Records tell objects from maps. Cycles would need an extension whose decoder trusts its input more than we do.
  const packr = new Packr({ useRecords: true, moreTypes: true, structuredClone: false });
  return {
    name: "msgpack",
    encode(value) {
      if (typeof value === "function") throw new TypeError("MessagePack has no form for a function");
      return packr.pack(value);
    },
    // Binary parts of a value are views of what was decoded: a copy, so that nobody else holds it. A Buffer, so that
    // they come back as buffers.
    decode: (bytes): unknown => packr.unpack(Buffer.from(bytes)),
  };
}

/** @throws InvalidOptionError naming `codec` or a part of it. */
export function resolveCodec(option: CodecOption): Codec {
  if (option === "json") return jsonCodec;
  if (option === "msgpack") return msgpackCodec();
  const { name = "custom" } = option;
  if (!/^[a-z0-9-]{1,32}$/.test(name)) {
    throw new InvalidOptionError("codec.name", name, "must be 1 to 32 lower-case letters, digits and dashes");
  }
  for (const part of ["encode", "decode"] as const) {
    if (typeof option[part] !== "function" || types.isAsyncFunction(option[part])) {
      throw new InvalidOptionError(`codec.${part}`, option[part], "must be a synchronous function");
    }
  }
  return {
    name,
    // Called as methods: the option may be an instance of the user's class.
    encode(value) {
      const encoded: unknown = option.encode(value);
      refusePromise(encoded);
      if (typeof encoded === "string" || types.isUint8Array(encoded)) return encoded;
      throw new TypeError("a codec must encode to a string or to bytes");
    },
    decode(bytes) {
      const value = option.decode(new Uint8Array(bytes));
      refusePromise(value);
      return value;
    },
  };
}

/** Says whether `{}` keeps nothing of the value: true for maps, sets and the like, false for plain objects. */
function isLostAsEmpty(value: unknown): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Plain objects of another realm count as plain, and whoever defines toJSON has chosen {}.
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return !plain && typeof Reflect.get(Object(value), "toJSON") !== "function";
}

function loadMsgpackr(): typeof Msgpackr {
  try {
    return createRequire(import.meta.url)("msgpackr") as typeof Msgpackr;
  } catch (cause) {
    throw new InvalidOptionError(
      "codec",
      "msgpack",
      'needs the package msgpackr: install it, or choose "json"',
      {
        cause,
      },
    );
  }
}

/** A thenable would be awaited on its way to the callers, so it cannot be a value either. */
function refusePromise(result: unknown): void {
  if (typeof Reflect.get(Object(result), "then") !== "function") return;
  background(Promise.resolve(result).then(ignore, ignore));
  throw new TypeError("a codec must be synchronous");
}

function ignore(): void {}
