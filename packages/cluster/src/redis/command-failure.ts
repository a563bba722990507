/**
 * Why a command brought no usable reply. Losing touch with Redis is ordinary here, so the reason is data. Promised: no
 * argument, key, payload or credential is in it; the client's own errors carry all of these and are never passed on.
 */

import { redirectionIn, type Redirection } from "./redirection.ts";
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
  readonly redirection?: Redirection | undefined;
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
  /** A node of a Redis Cluster said who has to be asked instead. */
  readonly redirection: Redirection | undefined;

  constructor(kind: FailureKind, facts: FailureFacts) {
    super(messageOf(kind, facts.serverCode));
    this.kind = kind;
    this.sent = facts.sent;
    this.serverCode = facts.serverCode;
    this.loopDelayed = facts.loopDelayed ?? false;
    this.redirection = facts.redirection;
  }
}

/** What a server says that is not able to answer now; it may be in a moment. */
const UNABLE: ReadonlySet<string> = new Set(["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"]);
/** What a node of a Redis Cluster says instead of carrying out a command for a slot: surely nothing was changed. */
const NOT_HERE: ReadonlySet<string> = new Set(["ASK", "CLUSTERDOWN", "MOVED", "TRYAGAIN"]);

/** Whatever the client threw for a command that was sent, without its contents. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const serverCode = serverCodeOf(error);
  if (serverCode !== undefined) {
    return new CommandFailure(UNABLE.has(serverCode) ? "unavailable" : "refused", {
      sent: !NOT_HERE.has(serverCode),
      serverCode,
      redirection: error instanceof Error ? redirectionIn(error.message) : undefined,
    });
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

/** What keeps a connection from coming up, as a code: the server's, or the system's. */
export function troubleOf(error: unknown): string | undefined {
  const serverCode = serverCodeOf(error);
  if (serverCode !== undefined) return serverCode;
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
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
