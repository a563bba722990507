/**
 * Why a command brought no usable reply. Losing touch with Redis is ordinary here, so the reason is data. Promised: no
 * argument, key, payload or credential is in it; the client's own errors carry all of these and are never passed on.
 */

import { refusalOf } from "./refusal.ts";

export type FailureKind =
  /** Redis cannot be asked, or says itself that it cannot answer now. */
  | "unavailable"
  /** No reply in time. The command may still run. */
  | "timeout"
  /** Redis answered with an error. */
  | "refused";

export interface FailureFacts {
  readonly sent: boolean;
  readonly serverCode?: string | undefined;
  readonly loopDelayed?: boolean;
}

export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly kind: FailureKind;
  /** False: the command surely never left this process or changed nothing. True: it may have run, or may yet. */
  readonly sent: boolean;
  /** First word of the server's error (NOPERM, OOM, WRONGTYPE, …), if there was one. */
  readonly serverCode: string | undefined;
  /** The time ran out in this process, which was busy, say: says nothing about Redis. */
  readonly loopDelayed: boolean;

  constructor(kind: FailureKind, facts: FailureFacts) {
    super(messageOf(kind, facts.serverCode));
    this.kind = kind;
    this.sent = facts.sent;
    this.serverCode = facts.serverCode;
    this.loopDelayed = facts.loopDelayed ?? false;
  }
}

/** What a server says that is not able to answer now; it may be in a moment. */
const UNABLE: ReadonlySet<string> = new Set(["BUSY", "LOADING", "MASTERDOWN", "READONLY"]);

/** Whatever the client threw for a command that was sent, without its contents. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const serverCode = serverCodeOf(error);
  if (serverCode !== undefined) {
    return new CommandFailure(UNABLE.has(serverCode) ? "unavailable" : "refused", { sent: true, serverCode });
  }
  return new CommandFailure(isReply(error) ? "refused" : "unavailable", { sent: true });
}

/**
 * The code of an error that the server sent; `undefined` for anything else. Servers before Redis 7 wrap an error
 * inside a script: `ERR Error running script (…): …: -READONLY …`.
 */
export function serverCodeOf(error: unknown): string | undefined {
  if (!isReply(error)) return undefined;
  const code = /^[A-Z][A-Z0-9]*(?= |$)/.exec(error.message)?.[0];
  if (code !== "ERR") return code;
  if (refusalOf(error.message) !== undefined) return "NOPERM";
  return /^ERR Error running script.*?: -([A-Z][A-Z0-9]*) /.exec(error.message)?.[1] ?? code;
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

function messageOf(kind: FailureKind, serverCode: string | undefined): string {
  const said = serverCode === undefined ? "" : ` (${serverCode})`;
  switch (kind) {
    case "unavailable":
      return `Redis is not available${said}`;
    case "timeout":
      return "Redis did not answer in time";
    case "refused":
      return `Redis refused the command${said}`;
  }
}
