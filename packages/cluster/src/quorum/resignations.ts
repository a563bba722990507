/**
 * Gives leaderships back, at one server of a quorum or at all: what one has not heard is said to it again, since nobody is
 * elected while a majority holds a lease. Not promised: that it is heard; then the lease ends by itself.
 */
import { background } from "@skein/core/internal";
import type { Clock } from "@skein/core";
import type { Claim, ResignReply, ResignRequest } from "../coordinator.ts";
import type { FlightName } from "../flight-keys.ts";
import { firstError } from "./answers.ts";
import type { Peers } from "./peers.ts";
import type { QuorumNode } from "./quorum-node.ts";

/** Before the first repetition, doubled for each further one. */
const REPEAT_MS = 50;
const REPEATS = 4;

export class Resignations {
  readonly #peers: Peers;
  readonly #clock: Clock;

  constructor(peers: Peers, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
  }

  atAll(request: ResignRequest): Promise<(ResignReply | Error)[]> {
    return this.#peers.askAll((node) => this.at(node, request));
  }

  /** Only the first attempt is waited for. */
  async at(node: QuorumNode, request: ResignRequest): Promise<ResignReply | Error> {
    const { flight } = request;
    const resign = (): Promise<ResignReply> =>
      node.useAfterAppointment(flight, (coordinator) => coordinator.resign(request));
    try {
      return await resign();
    } catch (error) {
      background(this.#repeat(resign));
      return error instanceof Error ? error : firstError([]);
    }
  }

  async #repeat(resign: () => Promise<ResignReply>): Promise<void> {
    for (let time = 0; time < REPEATS; time++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#clock.setTimer(resolve, REPEAT_MS * 2 ** time, { unref: true });
      await promise;
      try {
        await resign();
        return;
      } catch {
        // It may hear the next one.
      }
    }
  }
}

/** Of a leadership that nobody has made use of. */
export function giveBack(flight: FlightName, claim: Claim): ResignRequest {
  return { flight, claim, countsAsTakeover: false, ifUnwanted: false };
}
