/**
 * The coordinator over independent Redis primaries. A join asks the key's home server, or the next one while that is
 * down; only who is elected there asks the others: under a lock of the package `redlock` it has itself appointed by a
 * majority. What is said afterwards (renew, settle, resign) is said to all, and counts when a majority agrees.
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
import { ElectionLock } from "./election-lock.ts";
import { HomeOrder } from "./home-order.ts";
import { agree, collect, majorityOf } from "./majority.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** The share of a join's time that each server gets while there is another one to go to. */
const SHARE = 0.4;
/** Between two attempts to be elected while somebody else is being elected. */
const RETRY_MS = 20;

type Lead = Extract<JoinReply, { status: "lead" }>;

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
  readonly #lock: ElectionLock;

  constructor(options: QuorumCoordinatorOptions) {
    const { nodes, redisTimeoutMs } = options;
    this.#options = options;
    this.#majority = majorityOf(nodes.length);
    this.#order = new HomeOrder(nodes);
    this.#lock = new ElectionLock({ nodes, timeoutMs: redisTimeoutMs });
  }

  async join(request: JoinRequest): Promise<JoinReply> {
    const { clock, randomness } = this.#options;
    const deadline = clock.now() + request.withinMs;
    for (;;) {
      const { node, reply } = await this.#joinAtHome(request, deadline);
      const answer = await this.#conclude(node, reply, request, deadline);
      if (answer !== undefined) return answer;
      // Somebody else is being elected at this moment.
      const pauseMs = RETRY_MS * (0.5 + randomness.fraction());
      if (clock.now() + pauseMs >= deadline) throw new CommandFailure("timeout", { sent: false });
      await new Promise<void>((resolve) => void clock.setTimer(resolve, pauseMs));
    }
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    const { nodes } = this.#options;
    const [first] = requests;
    if (first === undefined) return [];
    const byNode = await collect(nodes.map((node) => node.use(first.flight, (at) => at.renew(requests))));
    return requests.map((request, index) => {
      const replies = byNode.map((answers) =>
        answers instanceof Error ? answers : (answers[index] ?? new Error("no answer")),
      );
      return this.#concludeRenewal(request, replies);
    });
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const [home, ...others] = this.#order.of(request.flight);
    if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
    // What is kept beside the flights, and outcomes in messages, do not count in a quorum.
    const { entry: _entry, ...rest } = request;
    const settle = (node: QuorumNode): Promise<SettleReply> =>
      node.use(request.flight, (at) => at.settle({ ...rest, inlineMaxBytes: -1 }));
    // Those who are woken by the home server ask whether a majority has the outcome: so it comes last.
    const answers = others.map(settle);
    await agree(
      answers.map(async (answer) => (await answer).status !== "fenced"),
      this.#majority - 1,
    );
    const replies = await collect([settle(home), ...answers]);
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
    if (heard.length - accepted >= this.#majority) return { status: "fenced" };
    throw firstError(replies);
  }

  async resign(request: ResignRequest): Promise<ResignReply> {
    const { flight } = request;
    if (request.ifUnwanted) {
      // Whoever follows is registered where it joined, which is the first server that could be asked.
      const [home] = this.#order.usable(flight);
      if (home === undefined) throw new CommandFailure("unavailable", { sent: false });
      const reply = await home.use(flight, (at) => at.resign(request));
      if (reply.status !== "resigned") return reply;
    }
    const whole = { ...request, ifUnwanted: false };
    const replies = await this.#askAll(flight, (at) => at.resign(whole));
    const heard = replies.filter(isAnswer);
    if (heard.length === 0) throw firstError(replies);
    const resigned = request.ifUnwanted || heard.some(({ status }) => status === "resigned");
    return { status: resigned ? "resigned" : "fenced" };
  }

  async leave(request: LeaveRequest): Promise<void> {
    const replies = await this.#askAll(request.flight, (at) => at.leave(request));
    if (replies.every((reply) => reply instanceof Error)) throw firstError(replies);
  }

  async forget(flight: FlightName): Promise<boolean> {
    const replies = await this.#askAll(flight, (at) => at.forget(flight));
    const heard = replies.filter(isAnswer);
    if (heard.length < this.#majority) throw firstError(replies);
    return heard.includes(true);
  }

  /** One server seeing no subscriber says nothing: nobody is deposed on evidence. */
  listeners(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  serverTimeMs(flight: FlightName): number | undefined {
    for (const { coordinator } of this.#order.of(flight)) {
      const timeMs = coordinator.serverTimeMs(flight);
      if (timeMs !== undefined) return timeMs;
    }
    return undefined;
  }

  /** Joins at the first server that answers. */
  async #joinAtHome(
    request: JoinRequest,
    deadline: number,
  ): Promise<{ readonly node: QuorumNode; readonly reply: JoinReply }> {
    const { clock } = this.#options;
    const { depose: _depose, entry: _entry, ...terms } = request;
    const usable = this.#order.usable(request.flight);
    let failure: unknown = new CommandFailure("unavailable", { sent: false });
    if (usable.length < this.#majority) throw failure;
    for (const [index, node] of usable.entries()) {
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) break;
      const withinMs = index + 1 < usable.length ? Math.max(1, leftMs * SHARE) : leftMs;
      try {
        return { node, reply: await node.use(request.flight, (at) => at.join({ ...terms, withinMs })) };
      } catch (error) {
        failure = error;
        // It may have elected us, or yet do so.
        if (error instanceof CommandFailure && error.sent) this.#giveBackAt(node, request);
      }
    }
    throw failure;
  }

  /** What the reply of one server comes to; `undefined` if it should be asked again. */
  async #conclude(
    home: QuorumNode,
    reply: JoinReply,
    request: JoinRequest,
    deadline: number,
  ): Promise<JoinReply | undefined> {
    if (reply.status === "settled") {
      return (await this.#isRetained(home, request.flight, reply.token, deadline))
        ? reply
        : this.#follow(reply.token, this.#options.redisTimeoutMs);
    }
    if (reply.status !== "lead") return reply;
    const elected = await this.#lock.during(request.flight, request.leaseMs, () =>
      this.#appoint(home, reply, request, deadline),
    );
    if (elected === true) return reply;
    this.#giveBack(request.flight, reply.token);
    return elected === undefined || elected === "" ? undefined : this.#follow(elected, request.leaseMs);
  }

  /** True when a majority has taken the leader for one; otherwise the token of the one that others know, "" if none. */
  async #appoint(
    home: QuorumNode,
    { token, takeovers }: Lead,
    request: JoinRequest,
    deadline: number,
  ): Promise<true | string> {
    const { nodes, clock } = this.#options;
    const { flight, leaseMs } = request;
    const timeoutMs = Math.max(1, deadline - clock.now());
    const appointment = {
      flight,
      token,
      transport: home.inbox.transport,
      leaseMs,
      flightTtlMs: flightTtlMs(request),
      takeovers,
    };
    let holder = "";
    const answers = nodes
      .filter((node) => node !== home)
      .map(async (node) => {
        const answer = await node.appoint(appointment, timeoutMs);
        if (answer === true) return true;
        if (answer !== "") holder = answer;
        return false;
      });
    return (await agree(answers, this.#majority - 1)) || holder;
  }

  /** An outcome counts when a majority retains it under one token. */
  #isRetained(home: QuorumNode, flight: FlightName, token: string, deadline: number): Promise<boolean> {
    const { nodes, clock } = this.#options;
    const timeoutMs = Math.max(1, deadline - clock.now());
    const answers = nodes
      .filter((node) => node !== home)
      .map(async (node) => (await node.settledToken(flight, timeoutMs)) === token);
    return agree(answers, this.#majority - 1);
  }

  #concludeRenewal(request: RenewRequest, replies: readonly (RenewReply | Error)[]): RenewReply | Error {
    const heard = replies.filter(isAnswer);
    const held = heard.flatMap((reply) => (reply.status === "held" ? [reply.followers] : []));
    if (held.length >= this.#majority) {
      for (const [index, reply] of replies.entries()) {
        if (isAnswer(reply) && reply.status === "fenced") this.#repair(index, request);
      }
      return { status: "held", followers: Math.max(...held) };
    }
    if (heard.length - held.length < this.#majority) return firstError(replies);
    return { status: heard.some(({ status }) => status === "forgotten") ? "forgotten" : "fenced" };
  }

  /** A server that came back empty, or was away, learns who leads. */
  #repair(index: number, { flight, token, leaseMs, maxTakeovers }: RenewRequest): void {
    const node = this.#options.nodes[index];
    if (node === undefined) return;
    const { transport } = node.inbox;
    const ttlMs = flightTtlMs({ leaseMs, maxTakeovers });
    const appointment = { flight, token, transport, leaseMs, flightTtlMs: ttlMs, takeovers: 0 };
    background(node.appoint(appointment, this.#options.redisTimeoutMs).catch(() => undefined));
  }

  #giveBack(flight: FlightName, token: string): void {
    const resignation = { flight, claim: { token }, countsAsTakeover: false, ifUnwanted: false };
    background(this.#askAll(flight, (at) => at.resign(resignation)));
  }

  #giveBackAt(node: QuorumNode, { flight, nonce }: JoinRequest): void {
    const resignation = { flight, claim: { nonce }, countsAsTakeover: false, ifUnwanted: false };
    background(node.use(flight, (at) => at.resign(resignation)).catch(() => undefined));
  }

  /** A leader that others know of, to be asked about again: nobody promised to wake us. */
  #follow(token: string, remainingMs: number): JoinReply {
    return { status: "follow", token, remainingMs, beat: "", leaderTransport: "", leaderLeaseMs: 0 };
  }

  #askAll<T>(flight: FlightName, attempt: (coordinator: Coordinator) => Promise<T>): Promise<(T | Error)[]> {
    return collect(this.#options.nodes.map((node) => node.use(flight, attempt)));
  }
}

function isAnswer<T>(reply: T | Error): reply is T {
  return !(reply instanceof Error);
}

function firstError(replies: readonly unknown[]): Error {
  for (const reply of replies) if (reply instanceof Error) return reply;
  return new CommandFailure("refused", { sent: true });
}
