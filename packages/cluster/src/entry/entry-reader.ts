/** Opens entries: format, envelope, codec, schema. What cannot be used is a reason, never an error. */
import { openOutcome } from "../envelope.ts";
import { parseToken } from "../fencing-token.ts";
import type { Fleet } from "../fleet.ts";
import type { FlightName } from "../flight-keys.ts";
import type { Policy } from "../policy.ts";
import { checkForeignValue, type StandardSchema } from "../standard-schema.ts";
import { parseEntry, type ParsedEntry } from "./entry-format.ts";
import type { EntryFault, KeptOutcome } from "./entry-rules.ts";

export type ReadEntry =
  | {
      readonly ok: true;
      readonly entry: ParsedEntry;
      readonly outcome: KeptOutcome;
      /** The span of the execution that made it. */
      readonly traceparent: string | undefined;
    }
  | { readonly ok: false; readonly why: EntryFault; readonly id: string | undefined };

export class EntryReader {
  readonly #fleet: Fleet;
  readonly #policy: Policy;
  readonly #schemas: readonly StandardSchema[];

  constructor(fleet: Fleet, policy: Policy, schema: StandardSchema | undefined) {
    this.#fleet = fleet;
    this.#policy = policy;
    this.#schemas = [policy.schema, schema].filter((each) => each !== undefined);
  }

  /** Whether `open` says the last word; else `check` does. */
  get checks(): boolean {
    return this.#schemas.length > 0;
  }

  /** `flight`: the key whose entry it has to be. */
  open(bytes: Uint8Array, flight: FlightName): ReadEntry {
    const entry = parseEntry(bytes);
    if (entry === undefined) return { ok: false, why: "malformed", id: undefined };
    const nonce = parseToken(entry.id)?.nonce ?? "";
    const signed = this.#fleet.signedFlight(flight, entry.id);
    const opened = openOutcome(entry.envelope, { codec: this.#policy.codec, nonce, signed });
    if (!opened.ok) return { ok: false, why: opened.why, id: entry.id };
    const { outcome } = opened;
    // Nobody caches the news that an outcome could not be shared.
    if (outcome.kind === "unshareable") return { ok: false, why: "malformed", id: entry.id };
    return { ok: true, entry, outcome, traceparent: opened.traceparent };
  }

  async check(read: ReadEntry): Promise<ReadEntry> {
    if (!read.ok || read.outcome.kind === "error") return read;
    let { value } = read.outcome;
    for (const schema of this.#schemas) {
      const checked = await checkForeignValue(schema, value);
      if (!checked.ok) return { ok: false, why: "schema", id: read.entry.id };
      ({ value } = checked);
    }
    return { ...read, outcome: { kind: "value", value } };
  }
}
