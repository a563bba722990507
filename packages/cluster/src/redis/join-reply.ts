/** What the scripts answer, read: text and numbers come as bytes. */
import type { JoinVerdict, Transport } from "../coordinator.ts";
import type { ScriptReply } from "./script-runner.ts";

export function readJoin({ status, fields }: { status: string; fields: ScriptReply }): JoinVerdict {
  const [first, second, third, fourth, fifth] = fields;
  switch (status) {
    case "LEAD":
      return { status: "lead", token: text(first), takeovers: integer(second) };
    case "FOLLOW":
      return {
        status: "follow",
        token: text(first),
        beat: text(second),
        remainingMs: integer(third),
        leaderTransport: transportOf(text(fourth)),
        leaderLeaseMs: integer(fifth),
      };
    case "SETTLED":
      return {
        status: "settled",
        token: text(first),
        outcome: Buffer.isBuffer(second) ? second : Buffer.from(text(second)),
        ageMs: integer(third),
      };
    case "HIT":
      return { status: "hit" };
    case "ABANDONED":
      return { status: "abandoned", takeovers: integer(first), retryAfterMs: integer(second) };
    case "LOST":
      return { status: "lost" };
    default:
      return { status: "stale" };
  }
}

function transportOf(value: string): Transport | "" {
  return value === "p" || value === "l" ? value : "";
}

export function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (Buffer.isBuffer(value)) return value.toString("latin1");
  return typeof value === "number" ? String(value) : "";
}

export function integer(value: unknown): number {
  return typeof value === "number" ? value : Number(text(value));
}
