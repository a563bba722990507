/**
 * Whoever was elected at one server of a quorum is made leader by a majority, or is not: under the election lock it has
 * itself appointed at the others. Those that hang are not waited for once a majority has answered.
 */
import type { Clock } from "@skein/core";
import type { JoinReply, JoinRequest } from "../coordinator.ts";
import { flightTtlMs } from "../coordinator.ts";
import { underElectionLock } from "./election-lock.ts";
import { by, decide } from "./majority.ts";
import type { Peers } from "./peers.ts";
import type { AppointReply, QuorumNode } from "./quorum-node.ts";
import type { Resignations } from "./resignations.ts";

/** The votes' share of the time that is left: the rest is for the appointment. */
const VOTES_SHARE = 0.5;

export type Lead = Extract<JoinReply, { status: "lead" }>;

export type Verdict =
  | { readonly is: "elected" }
  /** A majority retains an outcome that will do; the server that elected has lost it. */
  | { readonly is: "settled"; readonly reply: JoinReply }
  /** `leader`: whom a server knows instead. */
  | { readonly is: "refused"; readonly leader?: { readonly token: string; readonly knownAt: QuorumNode } };

export interface ElectionOptions {
  readonly peers: Peers;
  readonly resignations: Resignations;
  readonly clock: Clock;
}

export class Election {
  readonly #peers: Peers;
  readonly #resignations: Resignations;
  readonly #clock: Clock;

  constructor({ peers, resignations, clock }: ElectionOptions) {
    this.#peers = peers;
    this.#resignations = resignations;
    this.#clock = clock;
  }

  /** `home`: who said LEAD. */
  async hold(home: QuorumNode, lead: Lead, request: JoinRequest, deadline: number): Promise<Verdict> {
    const { nodes } = this.#peers;
    const clock = this.#clock;
    const { flight, leaseMs: ttlMs } = request;
    const withinMs = (deadline - clock.now()) * VOTES_SHARE;
    if (withinMs <= 0) return { is: "refused" };
    const verdict = await underElectionLock({ flight, nodes, clock, withinMs, ttlMs }, () =>
      this.#appoint(home, lead, request, deadline),
    );
    return verdict ?? { is: "refused" };
  }

  async #appoint(
    home: QuorumNode,
    { token, takeovers }: Lead,
    request: JoinRequest,
    deadline: number,
  ): Promise<Verdict> {
    const { flight, leaseMs, firstGrant, freshMs } = request;
    const appointment = {
      flight,
      token,
      transport: home.inbox.transport,
      leaseMs,
      flightTtlMs: flightTtlMs(request),
      takeovers,
      outcomes: { firstGrant, freshMs },
    };
    const answers = this.#peers.others(home).map(async (node) => {
      this.#resignations.cancel(node, flight, { token });
      return { node, reply: await node.appoint(appointment) };
    });
    const decided = decide(answers, (heard, open) => this.#judge(heard, open));
    return (await by(this.#clock, deadline, decided, undefined)) ?? { is: "refused" };
  }

  #judge(
    heard: readonly { readonly node: QuorumNode; readonly reply: AppointReply }[],
    open: number,
  ): Verdict | undefined {
    const { majority } = this.#peers;
    let appointed = 0;
    const retaining = new Map<string, number>();
    let refused: Verdict = { is: "refused" };
    for (const { node, reply } of heard) {
      if (reply.status === "appointed") appointed += 1;
      else if (reply.status === "settled") {
        const count = (retaining.get(reply.token) ?? 0) + 1;
        if (count >= majority) return { is: "settled", reply };
        retaining.set(reply.token, count);
      } else if (reply.holder !== "") {
        refused = { is: "refused", leader: { token: reply.holder, knownAt: node } };
      }
    }
    if (appointed >= majority - 1) return { is: "elected" };
    const settled = Math.max(0, ...retaining.values());
    const undecided = appointed + open >= majority - 1 || (settled > 0 && settled + open >= majority);
    return undecided && open > 0 ? undefined : refused;
  }
}
