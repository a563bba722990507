/**
 * The coordinator over independent Redis primaries. A join asks the key's home server, or the next one while that is
 * down or slow; only who is elected there asks the others: see `election.ts`. What is said afterwards (renew, settle,
 * resign) is said to all, and counts when a majority agrees. Whoever hangs is not waited for once that is known.
 *
 * It trusts each server's clock for that server's leases. Not promised: that a leader is found dead before its leases
 * end, since nobody is deposed on evidence; exclusion, which no lease gives; cache entries.
 */
import { background } from "@skein/core/internal";
import type { Clock, Randomness } from "@skein/core";
import type {
  Coordinator,
  JoinReply,
  JoinRequest,
  LeaveRequest,
  RenewReply,
  RenewRequest,
  ResignReply,
  ResignRequest,
  SettleReply,
  SettleRequest,
} from "../coordinator.ts";
import { flightTtlMs } from "../coordinator.ts";
import type { FlightName } from "../flight-keys.ts";
import { CommandFailure } from "../redis/connection.ts";
import { collect, firstError, isAnswer } from "./answers.ts";
import { Election } from "./election.ts";
import { HomeOrder } from "./home-order.ts";
import { agree, by, majorityOf } from "./majority.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** The share of a join's time that each server gets while there is another one to go to. */
const SHARE = 0.4;
/** A server that is slower than its peers by less than this share of `redisTimeoutMs` is not passed over. */
const UNNOTICED = 0.1;
/** Between two attempts to be elected while somebody else is being elected. */
const RETRY_MS = 20;
/** What a server has not heard is said again after so long, doubled each time, so often: afterwards its lease ends it. */
const REPEAT_MS = 50;
const REPEATS = 4;

/** A join is not over: somebody else is being elected, or an outcome is being published, at this moment. */
interface Again {
  /** Who knows the leader, and is to be asked next. */
  readonly at?: QuorumNode;
  /** What to answer when there is no time for it. */
  readonly otherwise?: JoinReply;
}

export interface QuorumCoordinatorOptions {
  readonly nodes: readonly QuorumNode[];
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly redisTimeoutMs: number;
}

export class QuorumCoordinator implements Coordinator {
  readonly #options: QuorumCoordinatorOptions;
  readonly #majority: number;
  readonly #order: HomeOrder;
  readonly #election: Election;

  constructor(options: QuorumCoordinatorOptions) {
    const { nodes, redisTimeoutMs } = options;
    this.#options = options;
    this.#majority = majorityOf(nodes.length);
    this.#order = new HomeOrder(nodes, redisTimeoutMs * UNNOTICED);
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
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    const { nodes } = this.#options;
    const [first] = requests;
    if (first === undefined) return [];
    const repliesTo = (
      answers: readonly (readonly (RenewReply | Error)[] | Error)[],
      index: number,
    ): readonly (RenewReply | Error)[] =>
      answers.map((answer) => (isAnswer(answer) ? (answer[index] ?? new Error("no answer")) : answer));
    const byNode = await this.#collect(
      nodes,
      nodes.map((node) => node.renew(first.flight, requests)),
      (heard) => requests.every((_, index) => isAnswer(this.#judgeRenewal(repliesTo(heard, index)))),
    );
    return requests.map((request, index) => {
      const replies = repliesTo(byNode, index);
      const reply = this.#judgeRenewal(replies);
      if (isAnswer(reply) && reply.status === "held") this.#repair(request, replies);
      return reply;
    });
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const { flight } = request;
    // Where those who ask now are registered.
    const home = this.#order.usable(flight)[0] ?? this.#order.of(flight)[0];
    if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
    const others = this.#options.nodes.filter((node) => node !== home);
    // What is kept beside the flights, and outcomes in messages, do not count in a quorum.
    const { entry: _entry, ...rest } = request;
    const settle = (node: QuorumNode): Promise<SettleReply> =>
      node.useAfterAppointment(flight, (at) => at.settle({ ...rest, inlineMaxBytes: -1 }));
    // Those who are woken by the home server ask whether a majority has the outcome: so it comes last.
    const answers = others.map(settle);
    await agree(
      answers.map(async (answer) => (await answer).status !== "fenced"),
      this.#majority - 1,
    );
    // The home server counts whom it woke. Only the next join of this process waits for that.
    const patienceMs = this.#options.redisTimeoutMs * SHARE;
    const replies = await this.#collect(
      [home, ...others],
      [settle(home), ...answers],
      (heard) => this.#judgeSettlement(heard) !== undefined,
      patienceMs,
    );
    const verdict = this.#judgeSettlement(replies);
    if (verdict === undefined) throw firstError(replies);
    return verdict;
  }

  async resign(request: ResignRequest): Promise<ResignReply> {
    const { flight } = request;
    let resigned = false;
    for (const node of request.ifUnwanted ? await this.#whereFollowed(flight) : []) {
      const reply = await node.useAfterAppointment(flight, (at) => at.resign(request));
      if (reply.status === "wanted") return reply;
      if (reply.status === "resigned") resigned = true;
    }
    const replies = await this.#resignAtAll({ ...request, ifUnwanted: false });
    const heard = replies.filter(isAnswer);
    // To be repeated: nobody is elected while a majority holds the lease.
    if (heard.length < this.#majority) throw firstError(replies);
    return { status: resigned || heard.some(({ status }) => status === "resigned") ? "resigned" : "fenced" };
  }

  async leave(request: LeaveRequest): Promise<void> {
    const replies = await this.#askAll((node) => node.use(request.flight, (at) => at.leave(request)));
    if (replies.every((reply) => reply instanceof Error)) throw firstError(replies);
  }

  async forget(flight: FlightName): Promise<boolean> {
    const replies = await this.#askAll((node) => node.use(flight, (at) => at.forget(flight)));
    const heard = replies.filter(isAnswer);
    if (heard.length < this.#majority) throw firstError(replies);
    return heard.includes(true);
  }

  /** One server seeing no subscriber says nothing: nobody is deposed on evidence. */
  listeners(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  serverTimeMs(flight: FlightName): number | undefined {
    for (const node of this.#order.of(flight)) {
      const timeMs = node.serverTimeMs(flight);
      if (timeMs !== undefined) return timeMs;
    }
    return undefined;
  }

  /** Joins at the first server that answers. `first`: whom to ask before the others. */
  async #joinAtHome(
    request: JoinRequest,
    deadline: number,
    first: QuorumNode | undefined,
  ): Promise<{ readonly node: QuorumNode; readonly reply: JoinReply }> {
    const { clock } = this.#options;
    const { depose: _depose, entry: _entry, ...terms } = request;
    const usable = this.#order.usable(request.flight);
    let failure: unknown = new CommandFailure("unavailable", { sent: false });
    if (usable.length < this.#majority) throw failure;
    // Passed over, most likely; and whether that is still right has to be found out.
    for (const node of usable) if (this.#order.lags(node)) node.probe(request.flight);
    const ordered = usable.toSorted((a, b) => Number(b === first) - Number(a === first));
    for (const [index, node] of ordered.entries()) {
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) break;
      const withinMs = index + 1 < ordered.length ? Math.max(1, leftMs * SHARE) : leftMs;
      try {
        return { node, reply: await node.join({ ...terms, withinMs }) };
      } catch (error) {
        failure = error;
        // It may have elected us, or yet do so.
        if (error instanceof CommandFailure && error.sent) {
          const { flight, nonce } = request;
          const claim = { nonce };
          background(this.#resignAt(node, { flight, claim, countsAsTakeover: false, ifUnwanted: false }));
        }
      }
    }
    throw failure;
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
    const claim = { token: reply.token };
    background(this.#resignAtAll({ flight, claim, countsAsTakeover: false, ifUnwanted: false }));
    if (verdict.is === "settled") return verdict.reply;
    const { leader } = verdict;
    return leader === undefined ? {} : { at: leader.knownAt, otherwise: follow(leader.token, leaseMs) };
  }

  /** An outcome counts when a majority retains it under one token. */
  #isRetained(home: QuorumNode, flight: FlightName, token: string, deadline: number): Promise<boolean> {
    const { nodes, clock } = this.#options;
    const answers = nodes
      .filter((node) => node !== home)
      .map(async (node) => (await node.settledToken(flight)) === token);
    return by(clock, deadline, agree(answers, this.#majority - 1), false);
  }

  /** An Error while a majority says neither. */
  #judgeRenewal(replies: readonly (RenewReply | Error)[]): RenewReply | Error {
    const heard = replies.filter(isAnswer);
    const held = heard.flatMap((reply) => (reply.status === "held" ? [reply.followers] : []));
    if (held.length >= this.#majority) return { status: "held", followers: Math.max(...held) };
    if (heard.length - held.length < this.#majority) return firstError(replies);
    return { status: heard.some(({ status }) => status === "forgotten") ? "forgotten" : "fenced" };
  }

  /** `undefined` while a majority says neither. */
  #judgeSettlement(replies: readonly (SettleReply | Error)[]): SettleReply | undefined {
    const heard = replies.filter(isAnswer);
    let [accepted, already, woken, unwoken] = [0, 0, 0, 0];
    for (const reply of heard) {
      if (reply.status === "fenced") continue;
      accepted += 1;
      if (reply.status === "already") already += 1;
      woken += reply.woken;
      unwoken += reply.unwoken;
    }
    if (accepted >= this.#majority) {
      return { status: already >= this.#majority ? "already" : "accepted", woken, unwoken };
    }
    return heard.length - accepted >= this.#majority ? { status: "fenced" } : undefined;
  }

  /** A server that came back empty, or was away, learns who leads. */
  #repair(
    { flight, token, leaseMs, maxTakeovers }: RenewRequest,
    replies: readonly (RenewReply | Error)[],
  ): void {
    for (const [index, node] of this.#options.nodes.entries()) {
      const reply = replies[index];
      if (reply === undefined || !isAnswer(reply) || reply.status !== "fenced") continue;
      const { transport } = node.inbox;
      const ttlMs = flightTtlMs({ leaseMs, maxTakeovers });
      const terms = { flight, token, transport, leaseMs, flightTtlMs: ttlMs, takeovers: 0 };
      background(node.appoint({ ...terms, outcomes: undefined }).catch(() => undefined));
    }
  }

  /** Servers at which somebody may be registered: the home first, if so, and last, if not. */
  async #whereFollowed(flight: FlightName): Promise<readonly QuorumNode[]> {
    const usable = this.#order.usable(flight);
    const [home] = usable;
    if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
    const asked = usable.map((node) => node.hasRegistrations(flight));
    const known = await this.#collect(usable, asked, (heard) => this.#isMajority(heard));
    const followed = usable.filter((_, index) => known[index] === true);
    return followed.includes(home) ? followed : [...followed, home];
  }

  #resignAtAll(request: ResignRequest): Promise<(ResignReply | Error)[]> {
    const { nodes } = this.#options;
    const asked = nodes.map((node) => this.#resignAt(node, request));
    return this.#collect(nodes, asked, (heard) => this.#isMajority(heard));
  }

  /** Repeated while there is no answer, though only the first one is waited for. */
  async #resignAt(node: QuorumNode, request: ResignRequest): Promise<ResignReply | Error> {
    const resign = (): Promise<ResignReply> =>
      node.useAfterAppointment(request.flight, (at) => at.resign(request));
    const repeat = async (): Promise<void> => {
      for (let time = 0; time < REPEATS; time++) {
        await this.#pause(REPEAT_MS * 2 ** time, { unref: true });
        if (
          await resign().then(
            () => true,
            () => false,
          )
        )
          return;
      }
    };
    try {
      return await resign();
    } catch (error) {
      background(repeat());
      return error instanceof Error ? error : firstError([]);
    }
  }

  #askAll<T>(attempt: (node: QuorumNode) => Promise<T>): Promise<(T | Error)[]> {
    const { nodes } = this.#options;
    return this.#collect(nodes, nodes.map(attempt), (heard) => this.#isMajority(heard));
  }

  #isMajority(heard: readonly unknown[]): boolean {
    return heard.filter((answer) => !(answer instanceof Error)).length >= this.#majority;
  }

  /** The answers of `nodes`, without waiting for those that lag once the others are `enough`. */
  #collect<T>(
    nodes: readonly QuorumNode[],
    asked: readonly Promise<T>[],
    enough: (heard: readonly (T | Error)[]) => boolean,
    patienceMs: number = this.#order.patienceMs,
  ): Promise<(T | Error)[]> {
    return collect(asked, {
      clock: this.#options.clock,
      enough,
      lags: (index) => nodes[index] === undefined || this.#order.lags(nodes[index]),
      patienceMs,
    });
  }

  #pause(ms: number, options?: { readonly unref: boolean }): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(resolve, ms, options));
  }
}

/** A leader that others know of, to be asked about again: nobody promised to wake us. */
function follow(token: string, remainingMs: number): JoinReply {
  return { status: "follow", token, remainingMs, beat: "", leaderTransport: "", leaderLeaseMs: 0 };
}
