/**
 * One attempt of a process to take part in a flight: the nonce by which the server knows it again, what it asks under that,
 * and how it takes back what it has asked for. While the process closes it only waits for an outcome: its re-joins do not
 * take over.
 */
import { background } from "@skein/core/internal";
import type { Claim } from "./coordinator.ts";
import { Farewells, type AdoptedJoin } from "./farewells.ts";
import type { JoinAnswer } from "./fleet.ts";
import { joinRequest, type Rejoin } from "./join-request.ts";
import type { ParticipationOptions } from "./participation-options.ts";

const NONCE_LENGTH = 12;

export class Attempt {
  readonly #options: ParticipationOptions;
  readonly #nonce: string;
  readonly #farewells: Farewells;
  #onlyWaits = false;

  constructor(options: ParticipationOptions) {
    const { fleet, policy, name } = options;
    this.#options = options;
    this.#nonce = fleet.options.randomness.identifier(NONCE_LENGTH);
    this.#farewells = new Farewells(fleet, policy, name);
  }

  /** The process was closing when it joined last: should that have made it the leader, nobody asked for it. */
  get onlyWaits(): boolean {
    return this.#onlyWaits;
  }

  join(deadline: number | undefined): Promise<JoinAnswer> {
    return this.#options.fleet.join(joinRequest(this.#options, this.#nonce, undefined), deadline);
  }

  rejoin(rejoin: Rejoin): Promise<JoinAnswer> {
    const { fleet, flight } = this.#options;
    this.#onlyWaits = flight.table.closed;
    return fleet.join(joinRequest(this.#options, this.#nonce, rejoin, this.#onlyWaits));
  }

  /** What it takes to settle in the name of this attempt. */
  adopt(): AdoptedJoin | undefined {
    return this.#farewells.adopt(this.#nonce);
  }

  /** Gives a leadership back; without a token, one that a join without an answer may have brought, or may yet bring. */
  giveBack(claim: Claim = { nonce: this.#nonce }): void {
    background(this.#farewells.resign(claim));
  }

  /** Nobody answers: it gives back what it may have been given, and waits no more. */
  withdraw(): void {
    this.giveBack();
    this.leave();
  }

  /** It does not wait any more. */
  leave(): void {
    background(this.#farewells.leave(this.#nonce));
  }
}
