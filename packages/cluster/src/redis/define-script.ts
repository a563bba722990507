/**
 * The typed wrapper that is the only caller of each Lua script. Arguments are given by name and put into the order of
 * the script's header; a test compares the two.
 */
import type { FlightName } from "../flight-keys.ts";
import { scriptSources } from "./scripts/generated.ts";

/** All scripts but one work on a flight: its lease and its hash, in this order. */
const SCRIPT_KEYS = ["lease", "flight"] as const;
/** Some also on the cache entry of the key. */
export const ENTRY_SCRIPT_KEYS = ["lease", "flight", "entry"] as const;

export type ScriptArgument = string | number | Uint8Array;

export interface Script {
  readonly name: string;
  readonly sha1: string;
  readonly text: string;
  readonly keyCount: number;
}

/** A script with its keys and arguments, ready to be sent. */
export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Buffer)[];
}

export interface ScriptDefinition<A extends string, S extends string> extends Script {
  readonly argumentNames: readonly A[];
  readonly statuses: readonly S[];
  readonly keyNames: readonly string[];
  /** On a flight. `withEntry` brings the third key, where a script has one. */
  call(flight: FlightName, args: Readonly<Record<A, ScriptArgument>>, withEntry?: boolean): ScriptCall;
  callOn(keys: readonly string[], args: Readonly<Record<A, ScriptArgument>>): ScriptCall;
}

export function defineScript<A extends string, S extends string>(
  name: keyof typeof scriptSources,
  argumentNames: readonly A[],
  statuses: readonly S[],
  keyNames: readonly string[] = SCRIPT_KEYS,
): ScriptDefinition<A, S> {
  // An entry, where there is one, may be left out.
  const keyCount = Math.min(keyNames.length, SCRIPT_KEYS.length);
  const script: Script = { name, keyCount, ...scriptSources[name] };
  const callOn = (keys: readonly string[], args: Readonly<Record<A, ScriptArgument>>): ScriptCall => ({
    script,
    keys,
    args: argumentNames.map((argument) => wire(args[argument])),
  });
  return {
    ...script,
    argumentNames,
    statuses,
    keyNames,
    callOn,
    call({ leaseKey, flightKey, entryKey }, args, withEntry = false) {
      return callOn([leaseKey, flightKey, ...(withEntry ? [entryKey] : [])], args);
    },
  };
}

function wire(value: ScriptArgument): string | number | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
