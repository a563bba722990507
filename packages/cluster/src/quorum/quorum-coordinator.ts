/**
 * The coordinator over independent Redis primaries. A join asks one of them first: see `quorum-join.ts`. What is said
 * afterwards (renew, settle,
 * resign) is said to all, and counts when a majority agrees. Whoever hangs is not waited for once that is known.
 *
 * It trusts each server's clock for that server's leases. Not promised: that a leader is found dead before its leases
 * end, since nobody is deposed on evidence; exclusion, which no lease gives; cache entries.
 */
import { background } from "@skein/core/internal";
import type { Randomness } from "@skein/core";
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
import { firstError, isAnswer } from "./answers.ts";
import { agree } from "./majority.ts";
import { Peers, type PeersOptions } from "./peers.ts";
import { QuorumJoin } from "./quorum-join.ts";
import type { QuorumNode } from "./quorum-node.ts";
import { Resignations } from "./resignations.ts";
import { repliesTo, tallyRenewal, tallySettlement } from "./tally.ts";

export interface QuorumCoordinatorOptions extends PeersOptions {
  readonly randomness: Randomness;
}

export class QuorumCoordinator implements Coordinator {
  readonly #peers: Peers;
  readonly #resignations: Resignations;
  readonly #joins: QuorumJoin;

  constructor(options: QuorumCoordinatorOptions) {
    const peers = new Peers(options);
    const resignations = new Resignations(peers, options.clock);
    this.#peers = peers;
    this.#resignations = resignations;
    this.#joins = new QuorumJoin({ ...options, peers, resignations });
  }

  join(request: JoinRequest): Promise<JoinReply> {
    return this.#joins.join(request);
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    const { nodes, majority } = this.#peers;
    const [first] = requests;
    if (first === undefined) return [];
    const batches = await this.#peers.collect(
      nodes,
      nodes.map((node) => node.renew(first.flight, requests)),
      (heard) => requests.every((_, index) => isAnswer(tallyRenewal(repliesTo(index, heard), majority))),
    );
    return requests.map((request, index) => {
      const replies = repliesTo(index, batches);
      const reply = tallyRenewal(replies, majority);
      if (isAnswer(reply) && reply.status === "held") this.#repair(request, replies);
      return reply;
    });
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const { flight } = request;
    const { majority } = this.#peers;
    // Where those who ask now are registered.
    const home = this.#peers.order.usable(flight)[0] ?? this.#peers.order.of(flight)[0];
    if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
    const others = this.#peers.others(home);
    // What is kept beside the flights, and outcomes in messages, do not count in a quorum.
    const { entry: _entry, ...rest } = request;
    const settle = (node: QuorumNode): Promise<SettleReply> =>
      node.useAfterAppointment(flight, (at) => at.settle({ ...rest, inlineMaxBytes: -1 }));
    // Those who are woken by the home server ask whether a majority has the outcome: so it comes last.
    const answers = others.map(settle);
    await agree(
      answers.map(async (answer) => (await answer).status !== "fenced"),
      majority - 1,
    );
    // The home server counts whom it woke. Nobody but the next join of this process waits for that.
    const patienceMs = this.#peers.order.patienceMs * 2;
    const replies = await this.#peers.collect(
      [home, ...others],
      [settle(home), ...answers],
      (heard) => tallySettlement(heard, majority) !== undefined,
      patienceMs,
    );
    const verdict = tallySettlement(replies, majority);
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
    const replies = await this.#resignations.atAll({ ...request, ifUnwanted: false });
    const heard = replies.filter(isAnswer);
    // To be repeated: nobody is elected while a majority holds the lease.
    if (heard.length < this.#peers.majority) throw firstError(replies);
    return { status: resigned || heard.some(({ status }) => status === "resigned") ? "resigned" : "fenced" };
  }

  async leave(request: LeaveRequest): Promise<void> {
    const replies = await this.#peers.askAll((node) => node.use(request.flight, (at) => at.leave(request)));
    if (replies.every((reply) => reply instanceof Error)) throw firstError(replies);
  }

  async forget(flight: FlightName): Promise<boolean> {
    const replies = await this.#peers.askAll((node) => node.use(flight, (at) => at.forget(flight)));
    const heard = replies.filter(isAnswer);
    if (heard.length < this.#peers.majority) throw firstError(replies);
    return heard.includes(true);
  }

  /** One server seeing no subscriber says nothing: nobody is deposed on evidence. */
  listeners(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  serverTimeMs(flight: FlightName): number | undefined {
    for (const node of this.#peers.order.of(flight)) {
      const timeMs = node.serverTimeMs(flight);
      if (timeMs !== undefined) return timeMs;
    }
    return undefined;
  }

  /** A server that came back empty, or was away, learns who leads. */
  #repair(
    { flight, token, leaseMs, maxTakeovers }: RenewRequest,
    replies: readonly (RenewReply | Error)[],
  ): void {
    for (const [index, node] of this.#peers.nodes.entries()) {
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
    const usable = this.#peers.order.usable(flight);
    const [home] = usable;
    if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
    const asked = usable.map((node) => node.hasRegistrations(flight));
    const known = await this.#peers.collect(usable, asked, (heard) => this.#peers.isMajority(heard));
    const followed = usable.filter((_, index) => known[index] === true);
    return followed.includes(home) ? followed : [...followed, home];
  }
}
