/**
 * The coordinator over Redis: each operation is one script and one round trip. It trusts the server's clock for
 * durations and its own monotonic clock for how long a caller waits. Not promised: more durability than the server's.
 */
import type { Clock } from "@skein/core";
import type {
  Claim,
  Coordinator,
  EntryOperations,
  EntryQuestion,
  JoinReply,
  JoinRequest,
  LeaveRequest,
  RenewReply,
  RenewRequest,
  ResignReply,
  ResignRequest,
  SettleReply,
  SettleRequest,
  Transport,
} from "../coordinator.ts";
import { flightTtlMs } from "../coordinator.ts";
import { parseToken } from "../fencing-token.ts";
import { PROTOCOL_VERSION, type FlightName } from "../flight-keys.ts";
import type { Outbox } from "../inbox/outbox.ts";
import { CommandFailure } from "./connection.ts";
import type { ScriptCall } from "./define-script.ts";
import {
  forgetScript,
  joinScript,
  leaveScript,
  renewScript,
  resignScript,
  settleScript,
} from "./flight-scripts.ts";
import { integer, readJoin, text } from "./join-reply.ts";
import { ListOutbox } from "./list-outbox.ts";
import { readPushes } from "./pushes.ts";
import { RedisEntries } from "./redis-entries.ts";
import type { ScriptReply } from "./script-runner.ts";
import type { Server } from "./server.ts";
import type { Servers } from "./servers.ts";

/** What one settle sends at most: beyond it a subscriber's output buffer, and the server, would suffer. */
const FANOUT_MAX_BYTES = 2 * 1024 * 1024;
/** Followers woken by one settle; the rest by further calls, so that no script holds the server for long. */
export const DEFAULT_MAX_WOKEN = 1_000;
const NOTHING = new Uint8Array();

export interface RedisCoordinatorOptions {
  readonly servers: Servers;
  readonly clock: Clock;
  readonly processId: string;
  readonly inboxPrefix: string;
  readonly transport: Transport;
  readonly redisTimeoutMs: number;
  /** Default 1_000. */
  readonly maxWokenPerSettle?: number;
  /** For processes that scripts cannot tell themselves. Default: a `ListOutbox` that says nothing of what is lost. */
  readonly outbox?: Outbox;
}

export class RedisCoordinator implements Coordinator {
  readonly deposes = true;
  readonly entries: EntryOperations;
  readonly #options: RedisCoordinatorOptions;
  readonly #outbox: Outbox;
  /** How far ahead of ours the clock of a server is, us; of the one that was asked last. */
  #lastAheadUs: number | undefined;

  constructor(options: RedisCoordinatorOptions) {
    this.#options = options;
    const { servers, inboxPrefix, redisTimeoutMs } = options;
    this.#outbox = options.outbox ?? new ListOutbox({ servers, inboxPrefix, timeoutMs: redisTimeoutMs });
    this.entries = new RedisEntries(options, (call, flight) => this.#runAndTell(call, flight));
  }

  async join(request: JoinRequest): Promise<JoinReply> {
    const { clock } = this.#options;
    const deadline = clock.now() + request.withinMs;
    const reply = await this.#join(request, deadline);
    if (reply.status !== "stale" || clock.now() >= deadline) return reply;
    // The join came in time by our clock, so the estimate was wrong; the reply has just mended it.
    return this.#join(request, deadline);
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    const { servers, redisTimeoutMs } = this.#options;
    const calls = requests.map((request) =>
      renewScript.call(request.flight, {
        token: request.token,
        leaseMs: request.leaseMs,
        flightTtlMs: flightTtlMs(request),
      }),
    );
    const replies = await servers.runBatch(calls, redisTimeoutMs);
    return replies.map((reply) => (reply instanceof CommandFailure ? reply : readRenewal(reply)));
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const { processId, inboxPrefix, maxWokenPerSettle = DEFAULT_MAX_WOKEN } = this.#options;
    const { entry, refreshBackoffMs = 0 } = request;
    const args = {
      process: processId,
      nonce: attemptOf(request.claim),
      token: tokenOf(request.claim),
      outcome: request.outcome,
      newcomers: request.unshareable ? "all" : request.failed === true ? "none" : "fresh",
      retainMs: request.retainMs,
      inlineMaxBytes: request.inlineMaxBytes,
      fanoutMaxBytes: FANOUT_MAX_BYTES,
      maxWoken: maxWokenPerSettle,
      inboxPrefix,
      header: PROTOCOL_VERSION,
      flightId: request.flight.id,
      entryHead: entry?.head ?? "",
      entryTtlMs: entry?.ttlMs ?? 0,
      refreshBackoffMs,
    };
    const call = settleScript.call(request.flight, args, entry !== undefined);
    const { status, fields } = await this.#runAndTell(call, request.flight, request.outcome);
    if (status === "FENCED") return { status: "fenced" };
    const [woken, unwoken] = fields;
    return {
      status: status === "ALREADY" ? "already" : "accepted",
      woken: integer(woken),
      unwoken: integer(unwoken),
    };
  }

  async resign(request: ResignRequest): Promise<ResignReply> {
    const { processId, inboxPrefix } = this.#options;
    const call = resignScript.call(request.flight, {
      process: processId,
      nonce: attemptOf(request.claim),
      token: tokenOf(request.claim),
      countsAsTakeover: request.countsAsTakeover ? 1 : 0,
      ifUnwanted: request.ifUnwanted ? 1 : 0,
      inboxPrefix,
      header: PROTOCOL_VERSION,
      flightId: request.flight.id,
    });
    const { status, fields } = await this.#runAndTell(call, request.flight);
    if (status === "WANTED") return { status: "wanted", followers: integer(fields[0]) };
    return { status: status === "FENCED" ? "fenced" : "resigned" };
  }

  async leave(request: LeaveRequest): Promise<void> {
    const { processId, inboxPrefix } = this.#options;
    const { flight, nonce } = request;
    const args = { process: processId, nonce, inboxPrefix, header: PROTOCOL_VERSION, flightId: flight.id };
    await this.#runAndTell(leaveScript.call(flight, args), flight);
  }

  async forget(flight: FlightName): Promise<boolean> {
    const { inboxPrefix } = this.#options;
    const call = forgetScript.call(flight, { inboxPrefix, header: PROTOCOL_VERSION, flightId: flight.id });
    const { fields } = await this.#runAndTell(call, flight);
    return integer(fields[0]) === 1;
  }

  async listeners(processes: readonly string[]): Promise<readonly boolean[] | undefined> {
    const { servers, inboxPrefix, redisTimeoutMs } = this.#options;
    if (!servers.seesListeners) return undefined;
    const channels = processes.map((process) => inboxPrefix + process);
    const reply = await servers.ask(inboxPrefix, redisTimeoutMs, ({ link }, leftMs) =>
      link.send((redis) => redis.call("PUBSUB", "NUMSUB", ...channels), leftMs),
    );
    const counts = new Map<string, number>();
    if (Array.isArray(reply)) {
      for (let index = 0; index + 1 < reply.length; index += 2) {
        counts.set(text(reply[index]), integer(reply[index + 1]));
      }
    }
    // A channel that the reply does not name is unknown, and unknown is not death.
    return channels.map((channel) => counts.get(channel) !== 0);
  }

  serverTimeMs(flight: FlightName): number | undefined {
    const { clock, servers } = this.#options;
    const now = clock.now();
    const us = servers.of(flight.leaseKey)?.clock.at(now);
    if (us !== undefined) return us / 1_000;
    // A node that has just been given the slot may not have been heard of yet. Those of one deployment agree well enough.
    return this.#lastAheadUs === undefined ? undefined : now + this.#lastAheadUs / 1_000;
  }

  #join(request: JoinRequest, deadline: number): Promise<JoinReply> {
    const { clock, servers } = this.#options;
    const timeoutMs = Math.max(1, deadline - clock.now());
    // Words and deadline for the server that is asked in the end: its clock judges.
    return servers.ask(request.flight.leaseKey, timeoutMs, (server, leftMs) =>
      this.#joinAt(server, request, deadline, leftMs),
    );
  }

  async #joinAt(server: Server, request: JoinRequest, deadline: number, leftMs: number): Promise<JoinReply> {
    const { processId, inboxPrefix, servers, transport } = this.#options;
    const deadlineUs = server.clock.at(deadline);
    if (deadlineUs !== undefined) this.#lastAheadUs = deadlineUs - deadline * 1_000;
    const { entry } = request;
    const blind = request.depose?.evidence === "inbox" && !servers.seesListeners;
    const depose = blind ? undefined : request.depose;
    const deposed = depose?.evidence === "inbox" ? parseToken(depose.token)?.process : undefined;
    const args = {
      process: processId,
      nonce: request.nonce,
      deadlineUs: deadlineUs === undefined ? 0 : Math.round(deadlineUs),
      leaseMs: request.leaseMs,
      flightTtlMs: flightTtlMs(request),
      maxTakeovers: request.maxTakeovers,
      abandonMs: request.abandonMs,
      freshMs: request.freshMs,
      firstGrant: request.firstGrant ?? 0,
      registrationMs: request.registrationMs,
      transport,
      takesOver: request.takesOver ? 1 : 0,
      deposeToken: depose?.token ?? "",
      deposeBeat: depose?.beat ?? "",
      deposeInbox: deposed === undefined ? "" : inboxPrefix + deposed,
      entrySeen: entry?.seen ?? "",
      entryStaleMs: entry?.staleMs ?? 0,
    };
    const call = joinScript.call(request.flight, args, entry !== undefined);
    if (entry?.reads !== true) return readJoinWithEntry(await server.run(call, leftMs), undefined, entry);
    const { value, reply } = await server.runAfterGet(request.flight.entryKey, call, leftMs);
    return readJoinWithEntry(reply, value, entry);
  }

  /** Runs a script, and tells those whom it could not. `outcome`: what the script was given, if it was. */
  async #runAndTell(call: ScriptCall, flight: FlightName, outcome: Uint8Array = NOTHING): Promise<Read> {
    const reply = await this.#run(call);
    const left = readPushes(reply.fields);
    if (left !== undefined) {
      const { kind, token, processes } = left;
      const sent = kind === "settled" ? outcome : NOTHING;
      await this.#outbox.tell(processes, { kind, flightId: flight.id, token, outcome: sent });
    }
    return reply;
  }

  async #run(call: ScriptCall): Promise<Read> {
    const { servers, redisTimeoutMs } = this.#options;
    const [key = ""] = call.keys;
    return read(await servers.ask(key, redisTimeoutMs, (server, leftMs) => server.run(call, leftMs)));
  }
}

interface Read {
  readonly status: string;
  readonly fields: ScriptReply;
}

/** Status and server time come first. */
function read(reply: ScriptReply): Read {
  return { status: text(reply[0]), fields: reply.slice(2) };
}

function readRenewal(reply: ScriptReply): RenewReply {
  const { status, fields } = read(reply);
  if (status === "HELD") return { status: "held", followers: integer(fields[0]) };
  return { status: status === "FORGOTTEN" ? "forgotten" : "fenced" };
}

function readJoinWithEntry(
  reply: ScriptReply,
  bytes: Uint8Array | undefined,
  entry: EntryQuestion | undefined,
): JoinReply {
  const { status, fields } = read(reply);
  const verdict = readJoin({ status, fields });
  if (entry === undefined) return verdict;
  const left = fields[verdict.status === "hit" ? 0 : 2];
  const knowsLeft = verdict.status === "hit" || (verdict.status === "lead" && left !== undefined);
  const id = verdict.status === "hit" ? text(fields[1]) : undefined;
  return { ...verdict, entry: { bytes, leftMs: knowsLeft ? integer(left) : undefined, id } };
}

function tokenOf(claim: Claim): string {
  return "token" in claim ? claim.token : "";
}

function attemptOf(claim: Claim): string {
  return "nonce" in claim ? claim.nonce : (parseToken(claim.token)?.nonce ?? "");
}
