/**
 * A join over a quorum: at the key's home server, or the next one while that is down or slow; only who is elected there
 * asks the others: see `election.ts`. An outcome counts when a majority retains it under one token.
 */
import { background } from "@skein/core/internal";
import type { Clock, Randomness } from "@skein/core";
import type { JoinReply, JoinRequest } from "../coordinator.ts";
import type { FlightName } from "../flight-keys.ts";
import { CommandFailure } from "../redis/connection.ts";
import { Election } from "./election.ts";
import { agree, by } from "./majority.ts";
import type { Peers } from "./peers.ts";
import type { QuorumNode } from "./quorum-node.ts";
import { giveBack, type Resignations } from "./resignations.ts";

/** The share of a join's time that each server gets while there is another one to go to. */
const SHARE = 0.4;
/** Between two attempts to be elected while somebody else is being elected. */
const RETRY_MS = 20;

/** A join is not over: somebody else is being elected, or an outcome is being published, at this moment. */
interface Again {
  /** Who knows the leader, and is to be asked next. */
  readonly at?: QuorumNode;
  /** What to answer when there is no time for it. */
  readonly otherwise?: JoinReply;
}

export interface QuorumJoinOptions {
  readonly peers: Peers;
  readonly resignations: Resignations;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly redisTimeoutMs: number;
}

export class QuorumJoin {
  readonly #options: QuorumJoinOptions;
  readonly #election: Election;

  constructor(options: QuorumJoinOptions) {
    this.#options = options;
    this.#election = new Election(options);
  }

  async join(request: JoinRequest): Promise<JoinReply> {
    const { clock, randomness } = this.#options;
    const deadline = clock.now() + request.withinMs;
    let first: QuorumNode | undefined;
    for (;;) {
      const { node, reply } = await this.#joinAtHome(request, deadline, first);
      const answer = await this.#conclude(node, reply, request, deadline);
      if ("status" in answer) return answer;
      first = answer.at;
      const pauseMs = first === undefined ? RETRY_MS * (0.5 + randomness.fraction()) : 0;
      if (clock.now() + pauseMs >= deadline) {
        if (answer.otherwise !== undefined) return answer.otherwise;
        throw new CommandFailure("timeout", { sent: false });
      }
      if (pauseMs > 0) await new Promise<void>((resolve) => void clock.setTimer(resolve, pauseMs));
    }
  }

  /** Joins at the first server that answers. `first`: whom to ask before the others. */
  async #joinAtHome(
    request: JoinRequest,
    deadline: number,
    first: QuorumNode | undefined,
  ): Promise<{ readonly node: QuorumNode; readonly reply: JoinReply }> {
    const { peers, resignations, clock } = this.#options;
    const { order } = peers;
    const { flight, nonce } = request;
    const { depose: _depose, entry: _entry, ...terms } = request;
    const usable = order.usable(flight);
    let failure: unknown = new CommandFailure("unavailable", { sent: false });
    if (usable.length < peers.majority) throw failure;
    // Passed over, most likely; and whether that is still right has to be found out.
    for (const node of usable) if (order.lags(node)) node.probe(flight);
    const tried = new Set<QuorumNode>();
    for (;;) {
      // Looked at anew, since much may have become known while one was waited for.
      const left = order.usable(flight).filter((node) => !tried.has(node));
      const node = first !== undefined && left.includes(first) ? first : left[0];
      const leftMs = deadline - clock.now();
      if (node === undefined || leftMs <= 0) throw failure;
      tried.add(node);
      const withinMs = left.length > 1 ? Math.max(1, leftMs * SHARE) : leftMs;
      resignations.cancel(node, flight, { nonce });
      try {
        return { node, reply: await node.join({ ...terms, withinMs }) };
      } catch (error) {
        failure = error;
        // It may have elected us, or yet do so.
        if (error instanceof CommandFailure && error.sent) {
          background(resignations.at(node, giveBack(flight, { nonce })));
        }
      }
    }
  }

  /** What the reply of one server comes to. */
  async #conclude(
    home: QuorumNode,
    reply: JoinReply,
    request: JoinRequest,
    deadline: number,
  ): Promise<JoinReply | Again> {
    const { flight, leaseMs } = request;
    if (reply.status === "settled") {
      if (await this.#isRetained(home, flight, reply.token, deadline)) return reply;
      return { otherwise: follow(reply.token, this.#options.redisTimeoutMs) };
    }
    if (reply.status !== "lead") return reply;
    const verdict = await this.#election.hold(home, reply, request, deadline);
    if (verdict.is === "elected") return reply;
    background(this.#options.resignations.atAll(giveBack(flight, { token: reply.token })));
    if (verdict.is === "settled") return verdict.reply;
    const { leader } = verdict;
    return leader === undefined ? {} : { at: leader.knownAt, otherwise: follow(leader.token, leaseMs) };
  }

  /** An outcome counts when a majority retains it under one token. */
  #isRetained(home: QuorumNode, flight: FlightName, token: string, deadline: number): Promise<boolean> {
    const { peers, clock } = this.#options;
    const answers = peers.others(home).map(async (node) => (await node.settledToken(flight)) === token);
    return by(clock, deadline, agree(answers, peers.majority - 1), false);
  }
}

/** A leader that others know of, to be asked about again: nobody promised to wake us. */
function follow(token: string, remainingMs: number): JoinReply {
  return { status: "follow", token, remainingMs, beat: "", leaderTransport: "", leaderLeaseMs: 0 };
}
