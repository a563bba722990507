/**
 * Gives leaderships back, at one server of a quorum or at all: what one has not heard is said to it again, since nobody is
 * elected while a majority holds a lease. It is not said behind a later join or appointment of the same attempt, whose
 * leadership it would end. Not promised: that it is heard; then the lease ends by itself.
 */
import { background } from "@skein/core/internal";
import type { Clock } from "@skein/core";
import type { Claim, ResignReply, ResignRequest } from "../coordinator.ts";
import { parseToken } from "../fencing-token.ts";
import type { FlightName } from "../flight-keys.ts";
import { firstError } from "./answers.ts";
import type { Peers } from "./peers.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** Before the first repetition, doubled for each further one. */
const REPEAT_MS = 50;
const REPEATS = 4;

/** One resignation that one server has not heard yet, as far as is known. */
interface Pending {
  readonly node: QuorumNode;
  readonly request: ResignRequest;
  cancelled: boolean;
}

/** There is nothing to give back any more. It is no failure of the server, which was not asked. */
class Cancelled extends Error {
  override readonly name = "Cancelled";
}

export class Resignations {
  readonly #peers: Peers;
  readonly #clock: Clock;
  /** By flight id. */
  readonly #pending = new Map<string, Set<Pending>>();

  constructor(peers: Peers, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
  }

  atAll(request: ResignRequest): Promise<(ResignReply | Error)[]> {
    return this.#peers.askAll((node) => this.at(node, request));
  }

  /** Only the first attempt is waited for. */
  async at(node: QuorumNode, request: ResignRequest): Promise<ResignReply | Error> {
    const pending = { node, request, cancelled: false };
    this.#add(pending);
    try {
      const reply = await this.#say(pending);
      this.#remove(pending);
      return reply;
    } catch (error) {
      background(this.#repeat(pending));
      if (error instanceof Cancelled) return { status: "fenced" };
      return error instanceof Error ? error : firstError([]);
    }
  }

  /**
   * Nothing that could end a leadership of `claim` is said to `node` any more. To be called before it is asked to elect
   * this claim, or told that it was elected: an attempt keeps its nonce for its whole life, so a resignation of its earlier
   * join would end its later leadership, or its registration. Renewals and settlements need not call it: nobody leads whom
   * every server has not been asked to elect or told of.
   */
  cancel(node: QuorumNode, flight: FlightName, claim: Claim): void {
    for (const pending of this.#pending.get(flight.id) ?? []) {
      if (pending.node === node && concerns(pending.request.claim, claim)) pending.cancelled = true;
    }
  }

  async #repeat(pending: Pending): Promise<void> {
    for (let time = 0; time < REPEATS && !pending.cancelled; time++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#clock.setTimer(resolve, REPEAT_MS * 2 ** time, { unref: true });
      await promise;
      try {
        await this.#say(pending);
        break;
      } catch {
        // It may hear the next one.
      }
    }
    this.#remove(pending);
  }

  /** Looks once more when the appointment that it waits for is over. @throws Cancelled */
  #say(pending: Pending): Promise<ResignReply> {
    const { node, request } = pending;
    return node.useAfterAppointment(request.flight, async (coordinator) => {
      if (pending.cancelled) throw new Cancelled();
      return coordinator.resign(request);
    });
  }

  #add(pending: Pending): void {
    const { id } = pending.request.flight;
    const known = this.#pending.get(id);
    if (known === undefined) this.#pending.set(id, new Set([pending]));
    else known.add(pending);
  }

  #remove(pending: Pending): void {
    const { id } = pending.request.flight;
    const known = this.#pending.get(id);
    known?.delete(pending);
    if (known?.size === 0) this.#pending.delete(id);
  }
}

/** Of a leadership that nobody has made use of. */
export function giveBack(flight: FlightName, claim: Claim): ResignRequest {
  return { flight, claim, countsAsTakeover: false, ifUnwanted: false };
}

/** Whether both may mean one leadership: a nonce means every one of its attempt. */
function concerns(one: Claim, other: Claim): boolean {
  if ("token" in one && "token" in other) return one.token === other.token;
  return nonceOf(one) === nonceOf(other);
}

function nonceOf(claim: Claim): string | undefined {
  return "nonce" in claim ? claim.nonce : parseToken(claim.token)?.nonce;
}
