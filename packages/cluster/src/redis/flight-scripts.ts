/** The scripts: names of arguments and statuses in the order of the .lua headers, which are the contract. */
import { defineScript, ENTRY_SCRIPT_KEYS, type Script, type ScriptDefinition } from "./define-script.ts";

type Defined<A extends readonly string[], S extends readonly string[]> = ScriptDefinition<
  A[number],
  S[number]
>;

const joinArguments = [
  "process",
  "nonce",
  "deadlineUs",
  "leaseMs",
  "flightTtlMs",
  "maxTakeovers",
  "abandonMs",
  "freshMs",
  "firstGrant",
  "registrationMs",
  "transport",
  "takesOver",
  "deposeToken",
  "deposeBeat",
  "deposeInbox",
  "entrySeen",
  "entryStaleMs",
] as const;
const joinStatuses = ["LEAD", "FOLLOW", "SETTLED", "HIT", "ABANDONED", "LOST", "STALE"] as const;
export const joinScript: Defined<typeof joinArguments, typeof joinStatuses> = defineScript(
  "join",
  joinArguments,
  joinStatuses,
  ENTRY_SCRIPT_KEYS,
);

const renewArguments = ["token", "leaseMs", "flightTtlMs"] as const;
const renewStatuses = ["HELD", "FENCED", "FORGOTTEN"] as const;
export const renewScript: Defined<typeof renewArguments, typeof renewStatuses> = defineScript(
  "renew",
  renewArguments,
  renewStatuses,
);

const appointArguments = [
  "token",
  "transport",
  "leaseMs",
  "flightTtlMs",
  "takeovers",
  "firstGrant",
  "freshMs",
] as const;
const appointStatuses = ["APPOINTED", "SETTLED", "REFUSED"] as const;
export const appointScript: Defined<typeof appointArguments, typeof appointStatuses> = defineScript(
  "appoint",
  appointArguments,
  appointStatuses,
);

const settleArguments = [
  "process",
  "nonce",
  "token",
  "outcome",
  "newcomers",
  "retainMs",
  "inlineMaxBytes",
  "fanoutMaxBytes",
  "maxWoken",
  "inboxPrefix",
  "header",
  "flightId",
  "entryHead",
  "entryTtlMs",
  "refreshBackoffMs",
] as const;
const settleStatuses = ["ACCEPTED", "ALREADY", "FENCED"] as const;
export const settleScript: Defined<typeof settleArguments, typeof settleStatuses> = defineScript(
  "settle",
  settleArguments,
  settleStatuses,
  ENTRY_SCRIPT_KEYS,
);

const resignArguments = [
  "process",
  "nonce",
  "token",
  "countsAsTakeover",
  "ifUnwanted",
  "inboxPrefix",
  "header",
  "flightId",
] as const;
const resignStatuses = ["RESIGNED", "WANTED", "FENCED"] as const;
export const resignScript: Defined<typeof resignArguments, typeof resignStatuses> = defineScript(
  "resign",
  resignArguments,
  resignStatuses,
);

const leaveArguments = ["process", "nonce", "inboxPrefix", "header", "flightId"] as const;
const leaveStatuses = ["LEFT"] as const;
export const leaveScript: Defined<typeof leaveArguments, typeof leaveStatuses> = defineScript(
  "leave",
  leaveArguments,
  leaveStatuses,
);

const forgetArguments = ["inboxPrefix", "header", "flightId"] as const;
const forgetStatuses = ["FORGOTTEN"] as const;
export const forgetScript: Defined<typeof forgetArguments, typeof forgetStatuses> = defineScript(
  "forget",
  forgetArguments,
  forgetStatuses,
);

const setArguments = ["entryHead", "outcome", "entryTtlMs", "inboxPrefix", "header", "flightId"] as const;
const setStatuses = ["STORED"] as const;
export const setScript: Defined<typeof setArguments, typeof setStatuses> = defineScript(
  "set",
  setArguments,
  setStatuses,
  ENTRY_SCRIPT_KEYS,
);

const deleteArguments = ["inboxPrefix", "header", "flightId"] as const;
const deleteStatuses = ["DELETED"] as const;
export const deleteScript: Defined<typeof deleteArguments, typeof deleteStatuses> = defineScript(
  "delete",
  deleteArguments,
  deleteStatuses,
  ENTRY_SCRIPT_KEYS,
);

const pushArguments = ["message", "pointer", "maxMessages", "maxWaitingBytes", "inboxTtlMs"] as const;
const pushStatuses = ["PUSHED"] as const;
/** The one that works on an inbox instead of a flight. */
export const pushScript: Defined<typeof pushArguments, typeof pushStatuses> = defineScript(
  "push",
  pushArguments,
  pushStatuses,
  ["inbox"],
);

/** All of them, the ones that calls wait for first. */
export const flightScripts: readonly Script[] = [
  joinScript,
  settleScript,
  renewScript,
  resignScript,
  leaveScript,
  forgetScript,
  setScript,
  deleteScript,
  pushScript,
];
