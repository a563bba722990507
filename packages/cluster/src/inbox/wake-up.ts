/**
 * The message that something happened to a flight: `<version> <kind> <flight id> <token>`, a line feed, and for an
 * inline outcome its envelope. An accelerator only: whoever misses one finds out by re-joining.
 */
import { PROTOCOL_VERSION } from "../flight-keys.ts";

export type WakeUpKind =
  /** The flight has settled; the outcome is in `outcome`. */
  | "settled"
  /** The flight has settled; the outcome has to be fetched by a join. */
  | "pointer"
  /** The leader resigned: join again. */
  | "resigned"
  /** The flight was forgotten: followers join again, the leader stops sharing its flight. */
  | "forgotten"
  /** To the leader: nobody waits any more. */
  | "unwanted";

export interface WakeUp {
  readonly kind: WakeUpKind;
  readonly flightId: string;
  readonly token: string;
  /** Present for `settled`. */
  readonly outcome: Uint8Array;
}

const KINDS: ReadonlySet<string> = new Set(["settled", "pointer", "resigned", "forgotten", "unwanted"]);
const NOTHING = new Uint8Array();
const LINE_FEED = 0x0a;
/** Longer header lines are nobody's: ids are bounded by the key encoding. */
const MAX_HEADER_BYTES = 2_048;

/** `undefined` for anything that is not a message of this protocol version. Never throws. */
export function parseWakeUp(message: Uint8Array): WakeUp | undefined {
  const end = message.indexOf(LINE_FEED);
  if (end < 0 || end > MAX_HEADER_BYTES) return undefined;
  const fields = Buffer.from(message.buffer, message.byteOffset, end).toString("latin1").split(" ");
  const [version, kind, flightId, token] = fields;
  if (fields.length !== 4 || version !== String(PROTOCOL_VERSION)) return undefined;
  const whole = isWakeUpKind(kind) && flightId !== undefined && flightId !== "" && token !== undefined;
  if (!whole) return undefined;
  return { kind, flightId, token, outcome: message.subarray(end + 1) };
}

export function formatWakeUp(wakeUp: WakeUp): Uint8Array {
  const header = Buffer.from(
    `${PROTOCOL_VERSION} ${wakeUp.kind} ${wakeUp.flightId} ${wakeUp.token}\n`,
    "latin1",
  );
  return Buffer.concat([header, wakeUp.outcome]);
}

/** That there is an outcome, no more: it has to be fetched. */
export function withoutOutcome(wakeUp: WakeUp): WakeUp {
  return wakeUp.kind === "settled" ? { ...wakeUp, kind: "pointer", outcome: NOTHING } : wakeUp;
}

export function isWakeUpKind(kind: string | undefined): kind is WakeUpKind {
  return kind !== undefined && KINDS.has(kind);
}
